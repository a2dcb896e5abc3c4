"""What an image file is, without decoding it."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from backend.errors import DamagedMedia, MediaError
from backend.studio import images
from backend.studio.picture_head import head_of


@pytest.mark.parametrize("turn", [None, 1, 3, 6, 8])
@pytest.mark.parametrize("kind", ["JPEG", "PNG", "BMP"])
def test_kind_and_size_are_those_that_decoding_finds(tmp_path: Path, kind: str, turn: int | None) -> None:
    exif = Image.Exif()
    if turn:
        exif[0x0112] = turn
    more = {"exif": exif} if kind != "BMP" else {}
    Image.fromarray(np.zeros((5, 9, 3), np.uint8)).save(tmp_path / "a", kind, **more)
    head, (_, size) = head_of(tmp_path / "a"), images.read(tmp_path / "a")
    assert (head.format, head.width, head.height) == (kind, *size)
    assert head.is_turned == (kind != "BMP" and turn not in (None, 1))


def test_what_is_none_and_what_is_too_large_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "a").write_text("%!PS-Adobe")
    with pytest.raises(DamagedMedia, match="Expected an image file"):
        head_of(tmp_path / "a")
    Image.new("L", (50, 40)).save(tmp_path / "b", "PNG")
    monkeypatch.setattr("backend.studio.picture_head.MOST_PIXELS", 1999)
    with pytest.raises(MediaError, match="50 x 40 pixels"):
        head_of(tmp_path / "b")
