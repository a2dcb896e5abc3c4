from pathlib import Path

import av
import numpy as np
import pytest
from PIL import Image

from backend.demo.clip import installed_clip, write_frames
from backend.errors import DemoError


def write_video(path: Path, levels: list[int]) -> Path:
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
    paths = write_frames(write_video(tmp_path / "video.mp4", [20, 120, 220]), tmp_path / "frames")
    assert [path.name for path in paths] == ["000000.jpg", "000001.jpg", "000002.jpg"]
    means = []
    for path in paths:
        with Image.open(path) as image:
            assert image.size == (64, 48)
            means.append(float(np.asarray(image).mean()))
    assert means == pytest.approx([20, 120, 220], abs=6)


def test_a_distribution_that_is_not_installed_is_named() -> None:
    with pytest.raises(DemoError, match="no-such-distribution is not installed"):
        installed_clip("no-such-distribution", "clip.mp4")


def test_a_distribution_without_the_file_is_named() -> None:
    with pytest.raises(DemoError, match=r"pytest has no file clip\.mp4"):
        installed_clip("pytest", "clip.mp4")


def test_a_file_of_an_installed_distribution_is_found() -> None:
    assert installed_clip("pytest", "METADATA").is_file()
