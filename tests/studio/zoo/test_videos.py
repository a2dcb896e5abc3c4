"""Our frames against Chromium's <video>, one by one: at the middle of frame k stands the same picture."""

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from backend.studio.video_file import VideoFile
from tests.end_to_end.browser import missing
from tests.studio.clips import number_of
from tests.studio.zoo.chromium import looking_at
from tests.studio.zoo.videos import RATE, all_videos

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.skipif(missing() is not None, reason=str(missing()))]

RATES = {"ntsc.mp4": 30000 / 1001, "slow.mp4": 5.0}
UNPLAYED = {"cut.webm"}
"""Files that Chromium does not play: nobody can label them."""
BLACK = 0
"""The number of a frame in which a player shows nothing yet: sound runs already."""
LAST = 90


@pytest.fixture(scope="module")
def shown(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, dict[str, Any]]]:
    """(folder of the videos, what Chromium shows of each)."""
    folder = tmp_path_factory.mktemp("zoo")
    files = all_videos(folder)
    with looking_at(files, folder / "screenshots") as chromium:
        yield folder, {name: chromium.video(name, middles(name), 0.5) for name in files}
    shutil.rmtree(folder, ignore_errors=True)


def middles(name: str) -> list[float]:
    """Seconds at which frames 1, 2.. are asked for."""
    return [(number - 0.5) / RATES.get(name, RATE) for number in range(1, LAST + 1)]


def test_each_frame_is_the_one_that_chromium_shows(shown: tuple[Path, dict[str, Any]]) -> None:
    folder, seen = shown
    assert {name for name, one in seen.items() if one is None} == UNPLAYED
    unlike = {}
    for name in seen.keys() - UNPLAYED - {"turned90.mp4"}:
        video = VideoFile(folder / name, name)
        ours = [number_of(video.frame(n)) for n in range(1, min(video.size.frames, LAST) + 1)]
        video.close()
        theirs = [number_of(np.repeat(np.array(row, np.uint8)[None, :, None], 2, 0)) for row in seen[name]["shown"]]
        assert len(set(theirs)) > 25
        pairs = zip(ours, theirs, strict=False)
        found = [(n, our, their) for n, (our, their) in enumerate(pairs, 1) if their not in (our, BLACK)]
        if found:
            unlike[name] = found
    assert unlike == {}


def test_a_turned_video_has_the_size_that_chromium_shows(shown: tuple[Path, dict[str, Any]]) -> None:
    folder, seen = shown
    size = VideoFile(folder / "turned90.mp4", "v").size
    assert [size.width, size.height] == seen["turned90.mp4"]["size"]
