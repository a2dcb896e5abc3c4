from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from backend.errors import MediaError
from backend.studio.video_file import VideoFile, check_rate
from backend.types import VideoSize
from tests.studio.clips import HEIGHT, WIDTH, number_of, numbered, write_video

FRAMES = 95


@pytest.fixture(scope="module")
def counted(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Frame n, from 1, shows n."""
    return write_video(tmp_path_factory.mktemp("video") / "v.mp4", [numbered(n) for n in range(1, FRAMES + 1)])


def test_size(counted: Path) -> None:
    assert VideoFile(counted, "v").size == VideoSize(WIDTH, HEIGHT, FRAMES, 10.0)


def test_every_frame_in_order_and_backward(counted: Path) -> None:
    video = VideoFile(counted, "v")
    assert [number_of(video.frame(n)) for n in range(1, FRAMES + 1)] == list(range(1, FRAMES + 1))
    assert [number_of(video.frame(n)) for n in range(FRAMES, 0, -7)] == list(range(FRAMES, 0, -7))


def test_every_frame_out_of_order_and_after_close(counted: Path) -> None:
    video = VideoFile(counted, "v")
    wanted = [int(n) for n in np.random.default_rng(0).integers(1, FRAMES + 1, 80)]
    assert [number_of(video.frame(n)) for n in wanted] == wanted
    video.close()
    assert number_of(video.frame(FRAMES)) == FRAMES


def test_going_on_does_not_seek(counted: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    sought: list[int] = []
    seek = VideoFile._seek

    def counting(video: VideoFile, time: int) -> None:
        sought.append(time)
        seek(video, time)

    monkeypatch.setattr(VideoFile, "_seek", counting)
    video = VideoFile(counted, "v")
    starts = len(video._index.starts)
    for n in range(1, FRAMES + 1):
        video.frame(n)
    assert len(sought) == 1
    for n in range(1, FRAMES + 1, 3):
        video.frame(n)
    assert len(sought) <= 1 + starts


@pytest.mark.parametrize("number", [0, -1, FRAMES + 1])
def test_a_frame_that_is_not_there(counted: Path, number: int) -> None:
    with pytest.raises(MediaError, match=f"no frame {number}. Expected 1 to {FRAMES}"):
        VideoFile(counted, "v").frame(number)


def test_a_frame_may_be_shrunk(counted: Path) -> None:
    image = VideoFile(counted, "v").frame(77, max_side=48)
    assert image.shape == (24, 48, 3)
    assert number_of(image) == 77


def test_a_turned_video_is_upright_as_the_player_shows_it(tmp_path: Path) -> None:
    top = np.zeros((48, 96, 3), np.uint8)
    top[:16] = 255
    for turned, (height, width), bright in (
        (90, (96, 48), (slice(None), slice(0, 12))),
        (-90, (96, 48), (slice(None), slice(36, 48))),
        (180, (48, 96), (slice(36, 48), slice(None))),
    ):
        video = VideoFile(write_video(tmp_path / f"{turned}.mp4", [top, top], turned=turned), "v")
        assert (video.size.height, video.size.width) == (height, width)
        assert video.frame(2).shape == (height, width, 3)
        assert video.frame(2)[bright].mean() > 200


@pytest.mark.parametrize("rate", [24, 25, Fraction(30000, 1001), Fraction(24000, 1001)])
def test_constant_rates(tmp_path: Path, rate: Fraction) -> None:
    for name in ("v.mp4", "v.mkv"):  # mkv rounds times to milliseconds
        video = VideoFile(write_video(tmp_path / name, [numbered(n) for n in range(60)], rate), name)
        assert video.size.rate == pytest.approx(float(rate), rel=1e-3)
        assert number_of(video.frame(60)) == 59


def test_one_frame_is_a_video(tmp_path: Path) -> None:
    video = VideoFile(write_video(tmp_path / "v.mp4", [numbered(5)]), "v")
    assert (video.size.frames, video.size.rate) == (1, 10.0)
    assert number_of(video.frame(1)) == 5


def test_a_variable_rate_is_refused_with_what_to_do(tmp_path: Path) -> None:
    times = [*range(20), *range(30, 40)]
    path = write_video(tmp_path / "v.mp4", [numbered(n) for n in range(30)], times=times)
    with pytest.raises(
        MediaError, match=r"holiday\.mp4 has a variable frame rate \(frames are 0\.100 to 1\.\d+ s apart.*ffmpeg"
    ):
        VideoFile(path, "holiday.mp4")


@pytest.mark.parametrize("content", [b"", b"this is no video"])
def test_a_file_that_is_no_video_is_refused_with_words(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "v.mp4").write_bytes(content)
    with pytest.raises(MediaError, match=r"clip\.mp4 cannot be decoded"):
        VideoFile(tmp_path / "v.mp4", "clip.mp4")
    with pytest.raises(MediaError, match="cannot be decoded"):
        VideoFile(tmp_path / "gone.mp4", "gone")


def test_a_truncated_file_costs_itself(tmp_path: Path, counted: Path) -> None:
    (tmp_path / "half.mp4").write_bytes(counted.read_bytes()[: counted.stat().st_size // 2])
    with pytest.raises(MediaError, match="half cannot be decoded"):
        VideoFile(tmp_path / "half.mp4", "half")


SIZE = VideoSize(640, 360, 100, 10.0)


@pytest.mark.parametrize(
    ("stated", "data", "size"),
    [
        ("10", {}, SIZE),
        ("10.0", {}, SIZE),
        ("0.1", {}, SIZE),  # below 1 Label Studio takes it for seconds a frame
        ("$fps", {"fps": "10"}, SIZE),
        ("29.97", {}, VideoSize(640, 360, 10_000, 30000 / 1001)),
        ("", {}, VideoSize(640, 360, 100, 24.0)),
        ("30", {}, VideoSize(640, 360, 1, 25.0)),
    ],
)
def test_rates_that_fit(stated: str, data: dict[str, object], size: VideoSize) -> None:
    check_rate(size, stated, data, "v")


@pytest.mark.parametrize(
    ("stated", "data", "size"),
    [
        ("", {}, SIZE),
        ("25", {}, SIZE),
        ("fast", {}, SIZE),
        ("$fps", {}, SIZE),
        ("$fps", {"fps": None}, SIZE),
        ("30", {}, VideoSize(640, 360, 10_000, 30000 / 1001)),
        ("-10", {}, SIZE),
    ],
)
def test_rates_that_count_other_frames_are_refused(stated: str, data: dict[str, object], size: VideoSize) -> None:
    with pytest.raises(MediaError, match=f'Write framerate="{size.rate:.5g}" in the Video tag'):
        check_rate(size, stated, data, "v")


def test_no_rate_is_told_by_the_default() -> None:
    with pytest.raises(MediaError, match="no framerate, which means 24"):
        check_rate(SIZE, "", {}, "v")
