"""Films: windows, and tracks that go on over their seams."""

from collections.abc import Iterator
from pathlib import Path

import av
import numpy as np
import pytest

from backend.instances import Instances
from backend.objects import film as films
from backend.objects.film import OVERLAP_FRAMES, Seams
from backend.objects.track import track
from tests.objects.made import boxes, frame

CAT = boxes(["cat"], [(3, 4, 0.9, 0), (20, 20, 0.8, 0)])


@pytest.mark.parametrize("count", [0, 1, 48, 95, 96, 97, 112, 176, 177, 300])
def test_each_frame_comes_once_and_in_order(count: int) -> None:
    told = list[float]()
    found = list(CAT.film([frame()] * count, progress=told.append))
    assert [number for number, _ in found] == list(range(count))
    assert told == [1] * count
    assert all(one.track.tolist() == [0, 1] for _, one in found)


def test_memory_holds_a_window(monkeypatch: pytest.MonkeyPatch) -> None:
    taken = 0

    def frames() -> Iterator[np.ndarray]:
        nonlocal taken
        while True:
            taken += 1
            yield frame()

    source = CAT.film(frames())
    for n in range(1000):
        assert next(source)[0] == n
        assert taken <= n + 2 * films.MOST_FRAMES


def test_large_frames_have_small_windows() -> None:
    seen = list[int]()

    class Counting(type(CAT)):  # type: ignore[misc]
        def answers(self, frames, inside=None):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202
            seen.append(len(frames))
            return super().answers(frames, inside)

    list(Counting(CAT.weights).film([frame(side=1200)] * 60))
    assert seen == [48, 60 - 48 + OVERLAP_FRAMES]


def test_tracks_go_on_under_the_numbers_that_they_had() -> None:
    def window(*tracks: int) -> list[Instances]:
        places = [(10 * n, 0, 10 * n + 8, 8) for n in range(len(tracks))]
        return [Instances(places, ["a"] * len(tracks), track=tracks) for _ in range(OVERLAP_FRAMES)]

    seams = Seams()
    assert seams.joined(window(4, 7))[0].track.tolist() == [0, 1]
    assert seams.joined(window(1, 0))[0].track.tolist() == [0, 1]
    assert seams.joined(window(5, -1, 6))[0].track.tolist() == [0, -1, 2]
    assert seams.joined(window(-1))[0].track.tolist() == [-1]


def test_objects_are_followed_from_window_to_window() -> None:
    """Two objects that pass each other; nothing but the tracker tells them apart."""
    count = 200

    def place(n: int) -> Instances:
        rows = [(n, 0, n + 20, 20), (count - n, 30, count - n + 20, 50)]
        return Instances(rows if n % 2 else rows[::-1], ["a", "a"], [0.9, 0.9])

    class Moving(type(CAT)):  # type: ignore[misc]
        def answers(self, frames, inside=None):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202
            from backend.objects.model import Answer

            return [Answer(place(one.number), 1.0) for one in frames]

    found = list((Moving(CAT.weights) >> track()).film([frame()] * count))
    by_height = [dict(zip(one.xyxy[:, 1].tolist(), one.track.tolist(), strict=True)) for _, one in found]
    assert {one[0.0] for one in by_height} != {one[30.0] for one in by_height}
    assert all(len({one[height] for one in by_height}) == 1 for height in (0.0, 30.0))


def test_a_video_file_is_played(tmp_path: Path) -> None:
    path = tmp_path / "a.mp4"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("mpeg4", rate=10)
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
        for brightness in (0, 255, 255):
            image = np.full((48, 64, 3), brightness, np.uint8)
            container.mux(stream.encode(av.VideoFrame.from_ndarray(image, format="rgb24")))
        container.mux(stream.encode())
    found = list(CAT.film(path))
    assert [number for number, _ in found] == [0, 1, 2]
    assert [one.xyxy[0, 0] for _, one in found] == pytest.approx([3, 4, 4], abs=0.1)
