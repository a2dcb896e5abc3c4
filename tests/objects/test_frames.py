"""Frames from whatever people have."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from backend.errors import MediaError
from backend.objects.frames import MAX_SIDE, images_in, input_frame, places_of
from backend.types import Frame
from tests.objects.made import boxes, frame

PICTURE = np.random.default_rng(0).integers(0, 255, (12, 16, 3), np.uint8)


def test_a_file_a_picture_an_array_and_a_frame_are_the_same(tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    Image.fromarray(PICTURE).save(path)
    for one in (path, str(path), Image.open(path), PICTURE, Frame(3, PICTURE, 16, 12)):
        found = input_frame(one).frame
        assert np.array_equal(found.image, PICTURE)
        assert (found.width, found.height, found.order) == (16, 12, None)


def test_a_file_is_seen_as_a_viewer_turns_it(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.fromarray(PICTURE).save(tmp_path / "a.png", exif=exif)
    found = input_frame(tmp_path / "a.png").frame
    assert (found.width, found.height) == (12, 16)
    assert np.array_equal(found.image, np.rot90(PICTURE, -1))


def test_a_large_file_is_scaled_down_and_its_size_kept(tmp_path: Path) -> None:
    Image.new("L", (2 * MAX_SIDE, 10)).save(tmp_path / "a.png")
    found = input_frame(tmp_path / "a.png").frame
    assert (found.width, found.height, found.image.shape) == (2 * MAX_SIDE, 10, (5, MAX_SIDE, 3))


@pytest.mark.parametrize(
    "odd", [np.zeros(3), np.zeros((4, 4, 3)), np.zeros((4, 4), np.uint8), np.zeros((4, 4, 4), np.uint8)]
)
def test_an_array_that_is_no_frame_is_refused(odd: np.ndarray) -> None:
    with pytest.raises(MediaError, match="Expected uint8 RGB of shape"):
        input_frame(odd)


def test_a_file_that_is_no_image_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_text("no image")
    with pytest.raises(MediaError, match=r"a\.png is no image that can be read"):
        input_frame(tmp_path / "a.png")
    with pytest.raises(MediaError, match="cannot be played"):
        list(boxes(["cat"]).film(tmp_path / "a.png"))
    with pytest.raises(MediaError, match="holds no image"):
        images_in(tmp_path / "missing")


def test_a_folder_is_labelled_by_name(tmp_path: Path) -> None:
    for name, brightness in (("b.png", 255), ("a.jpg", 0), ("c.txt", 0)):
        Image.fromarray(frame(brightness)).save(tmp_path / name, format="png")
    told = list[float]()
    found = list(boxes(["cat"]).label(tmp_path, progress=told.append))
    assert [one.xyxy[0, 0] for one in found] == [3, 4]
    assert told == [1, 1]


def test_frames_are_looked_at_when_they_are_asked_for() -> None:
    seen = list[int]()

    def frames():  # type: ignore[no-untyped-def]  # noqa: ANN202
        for n in range(10**9):
            seen.append(n)
            yield frame()

    found = boxes(["cat"]).label(frames())
    assert len(next(found)) == 1
    assert seen == [0]


def test_a_file_may_belong_to_the_groups_that_its_name_and_folders_say(tmp_path: Path) -> None:
    found = places_of(tmp_path / "scene 12" / "images" / "1.jpg")
    assert found[:4] == ("1.jpg", "1", "images", "scene 12")
