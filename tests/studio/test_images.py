from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import ExifTags, Image

from backend.errors import MediaError
from backend.studio import images

# Left half red, right half blue; the upper left pixel green in larger ones.
PICTURE = np.zeros((20, 40, 3), np.uint8)
PICTURE[:, :20] = (255, 0, 0)
PICTURE[:, 20:] = (0, 0, 255)
PICTURE[:5, :5] = (0, 255, 0)


def save(path: Path, array: np.ndarray, **options: object) -> Path:
    Image.fromarray(array).save(path, **options)
    return path


def test_plain(tmp_path: Path) -> None:
    array, size = images.read(save(tmp_path / "a.png", PICTURE))
    assert (array == PICTURE).all()
    assert array.dtype == np.uint8
    assert array.flags.writeable
    assert size == (40, 20)


@pytest.mark.parametrize("format_", ["JPEG", "WEBP", "GIF", "BMP", "TIFF"])
def test_formats(tmp_path: Path, format_: str) -> None:
    array, size = images.read(save(tmp_path / "no-extension", PICTURE, format=format_))
    assert array.shape == (20, 40, 3)
    assert size == (40, 20)
    assert abs(array[15, 5].astype(int) - (255, 0, 0)).max() < 40


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("format_", ["JPEG", "PNG"])
def test_exif_orientation(tmp_path: Path, orientation: int, format_: str) -> None:
    turns = {2: np.fliplr, 3: lambda a: np.rot90(a, 2), 4: np.flipud, 5: lambda a: a.transpose(1, 0, 2)}
    turns |= {6: lambda a: np.rot90(a, -1), 7: lambda a: np.rot90(a, 2).transpose(1, 0, 2), 8: np.rot90}
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = orientation
    path = save(tmp_path / "a", PICTURE, format=format_, exif=exif, **({"quality": 100} if format_ == "JPEG" else {}))
    array, size = images.read(path)
    expected = turns.get(orientation, np.asarray)(PICTURE)
    assert array.shape == expected.shape
    assert size == expected.shape[1::-1]
    assert np.abs(array.astype(int) - expected).mean() < 12


def test_sixteen_bit_grey(tmp_path: Path) -> None:
    deep = np.array([[0, 255, 256, 32768, 65535]], np.uint16)
    array, _ = images.read(save(tmp_path / "a.png", deep))
    assert array[0].tolist() == [[0] * 3, [0] * 3, [1] * 3, [128] * 3, [255] * 3]


def test_float_tiff_is_stretched(tmp_path: Path) -> None:
    array, _ = images.read(save(tmp_path / "a.tiff", np.array([[-1.0, 0.0, 1.0, np.nan]], np.float32)))
    assert array[0, :3, 0].tolist() == [0, 127, 255]
    flat, _ = images.read(save(tmp_path / "b.tiff", np.full((2, 2), 7.0, np.float32)))
    assert (flat == 0).all()


def test_palette_and_transparency(tmp_path: Path) -> None:
    picture = Image.fromarray(PICTURE).convert("P", palette=Image.Palette.ADAPTIVE)
    picture.save(tmp_path / "a.png")
    assert (images.read(tmp_path / "a.png")[0][15, 5] == (255, 0, 0)).all()
    picture.save(tmp_path / "b.png", transparency=picture.getpixel((5, 15)))
    assert (images.read(tmp_path / "b.png")[0][15, 5] == 255).all()


def test_alpha_lies_on_white(tmp_path: Path) -> None:
    rgba = np.array([[[255, 0, 0, 0], [255, 0, 0, 255], [0, 0, 0, 128]]], np.uint8)
    array, _ = images.read(save(tmp_path / "a.png", rgba))
    assert array[0].tolist() == [[255, 255, 255], [255, 0, 0], [127, 127, 127]]
    grey = Image.new("LA", (1, 1), (0, 0))
    grey.save(tmp_path / "b.png")
    assert images.read(tmp_path / "b.png")[0][0, 0].tolist() == [255, 255, 255]


def test_other_modes(tmp_path: Path) -> None:
    Image.fromarray(PICTURE).convert("CMYK").save(tmp_path / "a.jpg")
    Image.fromarray(PICTURE).convert("1").save(tmp_path / "b.png")
    assert images.read(tmp_path / "a.jpg")[0].shape == (20, 40, 3)
    assert images.read(tmp_path / "b.png")[0].shape == (20, 40, 3)


@pytest.mark.parametrize(
    ("max_side", "shape"), [(10, (5, 10, 3)), (40, (20, 40, 3)), (99, (20, 40, 3)), (1, (1, 1, 3))]
)
def test_shrinking_keeps_the_original_size(tmp_path: Path, max_side: int, shape: tuple[int, ...]) -> None:
    for name in ("a.png", "a.jpg"):
        array, size = images.read(save(tmp_path / name, PICTURE), max_side)
        assert array.shape == shape
        assert size == (40, 20)


def test_shrunk_jpeg_looks_like_the_large_one(tmp_path: Path) -> None:
    large = np.kron(PICTURE, np.ones((20, 20, 1), np.uint8))
    array, size = images.read(save(tmp_path / "a.jpg", large, quality=95), 40)
    assert size == (800, 400)
    assert np.abs(array.astype(int) - PICTURE).mean() < 6


def test_missing(tmp_path: Path) -> None:
    with pytest.raises(MediaError, match="not there any more"):
        images.read(tmp_path / "gone.png")


@pytest.mark.parametrize("content", [b"", b"<svg xmlns='x'/>", b"%!PS-Adobe-3.0\n", b"\xff\xd8\xff\xe0", b"<html>"])
def test_no_image(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "a.png").write_bytes(content)
    with pytest.raises(MediaError, match=r"cannot be decoded.*Upload it again"):
        images.read(tmp_path / "a.png")


@pytest.mark.parametrize("name", ["a.jpg", "a.png", "a.webp"])
def test_truncated(tmp_path: Path, name: str) -> None:
    noise = np.random.default_rng(0).integers(0, 255, (64, 64, 3), np.uint8)
    path = save(tmp_path / name, noise)
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    with pytest.raises(MediaError, match="cannot be decoded"):
        images.read(path)


def test_decompression_bomb_is_refused_undecoded(tmp_path: Path) -> None:
    Image.new("1", (10_000, 8_001)).save(tmp_path / "a.png")
    with pytest.raises(MediaError, match="10000 x 8001 pixels"):
        images.read(tmp_path / "a.png")


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.sampled_from(["a.jpg", "a.png", "a.gif", "a.tiff"]), st.data())
def test_damage_never_raises_anything_else(tmp_path: Path, name: str, data: st.DataObject) -> None:
    content = bytearray(save(tmp_path / name, PICTURE).read_bytes())
    for place in data.draw(st.lists(st.integers(0, len(content) - 1), min_size=1, max_size=5)):
        content[place] = data.draw(st.integers(0, 255))
    (tmp_path / name).write_bytes(content)
    try:
        array, _ = images.read(tmp_path / name)
    except MediaError:
        return
    assert array.ndim == 3
