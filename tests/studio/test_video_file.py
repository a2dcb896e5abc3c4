import shutil
import socket
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from backend.errors import MediaError
from backend.studio import video_file
from backend.studio.video_file import VideoFile, check_rate
from backend.tracks import VideoSize
from tests.studio.clips import HEIGHT, WIDTH, number_of, numbered, write_video
from tests.studio.zoo.videos import all_videos, damaged, remuxed

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


# -- whose pictures do not begin at time 0, were cut without being encoded again, or are damaged


@pytest.fixture(scope="module")
def zoo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with every kind; tests/studio/zoo holds them against a browser."""
    folder = tmp_path_factory.mktemp("zoo")
    all_videos(folder)
    return folder


@pytest.mark.parametrize(
    ("name", "frames", "seen"),
    [
        ("plain.mp4", 60, {1: 1, 30: 30, 60: 60}),
        ("late.mp4", 85, {1: 1, 25: 1, 26: 1, 27: 2, 28: 3, 85: 60}),
        ("late.webm", 85, {1: 1, 26: 1, 28: 3, 85: 60}),
        ("sound_first.mp4", 75, {1: 1, 3: 1, 4: 2, 10: 8, 30: 28, 62: 60, 75: 60}),
        ("fragmented.mp4", 62, {1: 1, 3: 1, 10: 8, 62: 60}),
        ("cut12.mp4", 48, {1: 13, 48: 60}),
        ("cut31.mp4", 29, {1: 32, 29: 60}),
        ("cut_sound.mp4", 48, {1: 13, 48: 60}),
    ],
)
def test_a_frames_number_comes_from_its_time(zoo: Path, name: str, frames: int, seen: dict[int, int]) -> None:
    video = VideoFile(zoo / name, name)
    assert video.size.frames == frames
    assert {n: number_of(video.frame(n)) for n in seen} == seen
    assert {n: number_of(video.frame(n)) for n in reversed(seen)} == seen


@pytest.mark.parametrize("b_frames", [0, 2, 3])
@pytest.mark.parametrize("cut", [5, 12, 22, 30])
def test_every_frame_of_a_clip_trimmed_without_encoding(tmp_path: Path, cut: int, b_frames: int) -> None:
    source = write_video(tmp_path / "a.mp4", [numbered(n) for n in range(1, 61)], 25, bf=b_frames)
    video = VideoFile(remuxed(source, tmp_path / "b.mp4", -Fraction(cut, 25)), "b")
    assert [number_of(video.frame(n)) for n in range(1, video.size.frames + 1)] == list(range(cut + 1, 61))


@pytest.mark.parametrize("numbers", [(3,), (21,), (30, 31, 32), (60,), (1,)])
def test_damaged_frames_cost_themselves(zoo: Path, tmp_path: Path, numbers: tuple[int, ...]) -> None:
    video, lost = VideoFile(damaged(zoo / "plain.mp4", tmp_path / "d.mp4", *numbers), "d"), set[int]()
    for n in range(1, 61):
        try:
            video.frame(n)
        except MediaError as why:
            assert f"frame {n} cannot be decoded" in str(why)  # noqa: PT017
            lost.add(n)
    assert lost, "the damage must have happened"
    assert len(lost) < 25
    untouched = set(range(1, 61)) - lost
    assert {n for n in (2, 10, 14) if n in untouched} | {50} <= untouched
    assert number_of(video.frame(50)) == 50


PLAYLISTS = {
    "hls": "#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1.0,\n{target}\n#EXT-X-ENDLIST\n",
    "master": "#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=1\n{target}\n",
    "key": '#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXT-X-KEY:METHOD=AES-128,URI="{target}"\n#EXTINF:1.0,\na.ts\n#EXT-X-ENDLIST\n',
    "concat": "ffconcat version 1.0\nfile {target}\n",
    "dash": '<?xml version="1.0"?><MPD xmlns="urn:mpeg:dash:schema:mpd:2011" type="static" mediaPresentationDuration="PT1S" '
    'profiles="urn:mpeg:dash:profile:isoff-on-demand:2011"><Period><AdaptationSet mimeType="video/mp4"><Representation id="1" '
    'bandwidth="1"><BaseURL>{target}</BaseURL></Representation></AdaptationSet></Period></MPD>',
    "sdp": "v=0\no=- 0 0 IN IP4 127.0.0.1\ns=x\nc=IN IP4 127.0.0.1\nt=0 0\nm=video 5004 RTP/AVP 96\n",
}


@pytest.mark.parametrize("kind", PLAYLISTS)
@pytest.mark.parametrize("ending", ["", ".m3u8", ".mp4"])
def test_a_playlist_opens_nothing(zoo: Path, tmp_path: Path, kind: str, ending: str) -> None:
    asked: list[object] = []
    with socket.create_server(("127.0.0.1", 0)) as listening:
        listening.settimeout(0.2)
        for target in (f"http://127.0.0.1:{listening.getsockname()[1]}/x.ts", str(zoo / "plain.mp4"), "plain.mp4"):
            path = tmp_path / f"list{ending}"
            path.write_text(PLAYLISTS[kind].format(target=target))
            shutil.copy(zoo / "plain.mp4", tmp_path / "plain.mp4")
            with pytest.raises(MediaError, match="cannot be decoded"):
                VideoFile(path, "v")
        with pytest.raises(TimeoutError):
            asked.append(listening.accept())
    assert asked == []


def test_a_video_of_huge_pictures_is_refused_undecoded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(video_file, "MOST_PIXELS", WIDTH * HEIGHT - 1)
    with pytest.raises(MediaError, match=f"has {WIDTH} x {HEIGHT} pixels"):
        VideoFile(write_video(tmp_path / "v.mp4", [numbered(1)]), "v")


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
