import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import ExifTags, Image

from backend.cancel import CancelToken
from backend.errors import DamagedMedia, MediaError, TrainingInterrupted
from backend.studio import images
from backend.studio.room import MemoryBudget
from tests.studio.zoo.pictures import encoded, orientation, xmp

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


@pytest.mark.parametrize("name", ["a.jpg", "a.png", "a.bmp", "a.gif"])
def test_a_file_that_ends_too_early_is_read_as_far_as_it_goes(tmp_path: Path, name: str) -> None:
    picture = np.random.default_rng(0).integers(0, 120, (64, 64, 3), np.uint8)
    options = {"interlace": False} if name == "a.gif" else {}
    path = save(tmp_path / name, picture, **options)
    whole, _ = images.read(path)
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    remarks: list[str] = []
    array, size = images.read(path, remark=remarks.append)
    assert size == (64, 64)
    assert len(remarks) == 1
    assert "damaged" in remarks[0]
    seen, unseen = (slice(48, None), slice(0, 16)) if name == "a.bmp" else (slice(0, 8), slice(56, None))
    assert (array[seen] == whole[seen]).all()  # a BMP begins with its last row
    assert (array[unseen] == 255).all()


def test_a_progressive_jpeg_that_ends_too_early_is_whole_and_coarse(tmp_path: Path) -> None:
    path = save(tmp_path / "a.jpg", np.kron(PICTURE, np.ones((10, 10, 1), np.uint8)), progressive=True, quality=95)
    whole, _ = images.read(path)
    path.write_bytes(path.read_bytes()[:-200])
    remarks: list[str] = []
    array, _ = images.read(path, remark=remarks.append)
    assert len(remarks) == 1
    assert np.abs(array.astype(int) - whole).mean() < 20


@pytest.mark.parametrize("name", ["a.webp", "a.avif", "a.tiff"])
def test_what_browsers_show_nothing_of_is_damaged(tmp_path: Path, name: str) -> None:
    path = save(tmp_path / name, np.random.default_rng(0).integers(0, 255, (64, 64, 3), np.uint8))
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    with pytest.raises(DamagedMedia, match="cannot be decoded"):
        images.read(path)


def test_a_whole_file_has_no_remark(tmp_path: Path) -> None:
    remarks: list[str] = []
    images.read(save(tmp_path / "a.jpg", PICTURE), remark=remarks.append)
    assert remarks == []


@pytest.mark.parametrize("format_", ["JPEG", "PNG", "WEBP"])
def test_an_orientation_in_xmp_turns_nothing(tmp_path: Path, format_: str) -> None:
    path = tmp_path / "a"
    path.write_bytes(encoded(Image.fromarray(PICTURE), format_, xmp=xmp(6)))
    assert images.read(path)[1] == (40, 20)


def test_a_webp_is_not_turned_by_its_exif(tmp_path: Path) -> None:
    path = tmp_path / "a.webp"
    path.write_bytes(encoded(Image.fromarray(PICTURE), "WEBP", exif=orientation(6)))
    assert images.read(path)[1] == (40, 20)


@pytest.mark.parametrize(("mode", "format_"), [("I;16", "PNG"), ("F", "TIFF"), ("RGBA", "PNG"), ("L", "PNG")])
def test_memory_of_a_large_picture_is_bounded(tmp_path: Path, mode: str, format_: str) -> None:
    """In a process of its own: the peak of a process never goes down."""
    path = tmp_path / "a"
    Image.new(mode, (4000, 4000)).save(path, format_)
    code = (
        "import sys; from pathlib import Path; from backend.studio import images\n"
        "def peak(): return next(int(x.split()[1]) for x in open('/proc/self/status') if x.startswith('VmHWM'))\n"
        "small = Path(sys.argv[2]); images.read(small, 64); before = peak(); images.read(Path(sys.argv[1]), 2048)\n"
        "print(peak() - before)"
    )
    small = save(tmp_path / "small.png", PICTURE)
    done = subprocess.run(
        [sys.executable, "-c", code, str(path), str(small)], capture_output=True, check=True, text=True
    )
    assert int(done.stdout) * 1024 < 16_000_000 * images.BYTES[mode] + 60_000_000


def test_decoding_waits_for_its_room(tmp_path: Path) -> None:
    budget, path = MemoryBudget(1), save(tmp_path / "a.png", PICTURE)
    asked: list[int] = []

    def nobody_wants_it() -> None:
        asked.append(1)
        raise TrainingInterrupted("stop")

    with budget.reserve(1), pytest.raises(TrainingInterrupted):
        images.read(path, budget=budget, cancel=CancelToken(nobody_wants_it))
    assert asked
    assert images.read(path, budget=budget)[1] == (40, 20)


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
