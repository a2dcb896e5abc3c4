from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from PIL import Image

from backend.errors import MediaError
from backend.studio.video import write_frames, write_video
from backend.studio.video_file import VideoFile
from backend.tracks import VideoSize
from tests.studio.clips import number_of, numbered
from tests.studio.clips import write_video as encode
from tests.studio.zoo.videos import damaged, remuxed


def grey_video(path: Path, levels: list[int]) -> Path:
    """A grey video, one frame for each level."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream("mpeg4", rate=10)
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
        for level in levels:
            image = np.full((48, 64, 3), level, np.uint8)
            container.mux(stream.encode(av.VideoFrame.from_ndarray(image, format="rgb24")))
        container.mux(stream.encode(None))
    return path


def test_every_frame_is_written_in_order(tmp_path: Path) -> None:
    written = write_frames(grey_video(tmp_path / "video.mp4", [20, 120, 220]), tmp_path / "frames")
    assert list(written) == [0, 1, 2]
    paths = list(written.values())
    assert [path.name for path in paths] == ["000000.jpg", "000001.jpg", "000002.jpg"]
    means = []
    for path in paths:
        with Image.open(path) as image:
            assert image.size == (64, 48)
            means.append(float(np.asarray(image).mean()))
    assert means == pytest.approx([20, 120, 220], abs=6)


def test_one_frame_in_so_many_keeps_its_number(tmp_path: Path) -> None:
    video = grey_video(tmp_path / "video.mp4", [20, 60, 100, 140, 180])
    written = write_frames(video, tmp_path / "frames", every=2)
    assert list(written) == [0, 2, 4]
    assert written[4].name == "000004.jpg"


def test_images_become_a_video_of_even_sides_with_every_frame(tmp_path: Path) -> None:
    images = [tmp_path / f"{level}.png" for level in (20, 120, 220)]
    for path in images:
        Image.new("RGB", (63, 47), (int(path.stem),) * 3).save(path)
    write_video(images, tmp_path / "made.mp4", 25)
    video = VideoFile(tmp_path / "made.mp4", "made")
    assert video.size == VideoSize(64, 48, 3, 25.0)
    assert [float(video.frame(n).mean()) for n in (1, 2, 3)] == pytest.approx([20, 120, 220], abs=6)


@pytest.mark.parametrize("content", [b"", b"this is no video"])
def test_a_file_that_is_no_video_is_refused_with_words(tmp_path: Path, content: bytes) -> None:
    broken = tmp_path / "broken.mp4"
    broken.write_bytes(content)
    with pytest.raises(MediaError, match=r"broken\.mp4 cannot be decoded"):
        write_frames(broken, tmp_path / "frames")


@pytest.mark.parametrize("turned", [90, -90, 180])
def test_a_turned_video_is_cut_into_the_frames_that_a_whole_video_has(tmp_path: Path, turned: int) -> None:
    picture = np.zeros((48, 96, 3), np.uint8)
    picture[:16], picture[:, :30, 0] = 255, 160
    path = encode(tmp_path / "v.mp4", [picture, picture], turned=turned)
    written, video = write_frames(path, tmp_path / "frames"), VideoFile(path, "v")
    for number, file in written.items():
        with Image.open(file) as image:
            assert image.size == (video.size.width, video.size.height)
            assert np.abs(np.asarray(image).astype(int) - video.frame(number + 1)).mean() < 3


def test_damaged_frames_are_left_out_and_the_others_keep_their_numbers(tmp_path: Path) -> None:
    source = encode(tmp_path / "a.mp4", [numbered(n) for n in range(1, 61)], 25)
    whole = write_frames(source, tmp_path / "whole")
    written = write_frames(damaged(source, tmp_path / "b.mp4", 30, 31), tmp_path / "frames")
    lost = whole.keys() - written.keys()
    assert 0 < len(lost) < 25
    for number in (0, 10, 49, 59):
        with Image.open(written[number]) as image:
            assert number_of(np.asarray(image)) == number + 1


def test_what_a_trimmer_hides_is_not_written(tmp_path: Path) -> None:
    source = encode(tmp_path / "a.mp4", [numbered(n) for n in range(1, 61)], 25)
    written = write_frames(remuxed(source, tmp_path / "b.mp4", -Fraction(12, 25)), tmp_path / "frames")
    assert list(written) == list(range(48))
    with Image.open(written[0]) as image:
        assert number_of(np.asarray(image)) == 13
