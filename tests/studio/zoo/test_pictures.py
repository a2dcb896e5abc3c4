"""Our reader against Chromium: every kind of picture has the size, the orientation and the colours that it shows."""

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from backend.errors import MediaError
from backend.studio import images
from tests.end_to_end.browser import missing
from tests.studio.zoo.chromium import looking_at
from tests.studio.zoo.pictures import all_pictures

pytestmark = [
    pytest.mark.browser,
    pytest.mark.slow,
    pytest.mark.skipif(missing() is not None, reason=str(missing())),
    pytest.mark.filterwarnings("ignore:Corrupt EXIF data"),
]

PLACES = [(x, y) for x in (0.1, 0.25, 0.75, 0.9) for y in (0.1, 0.25, 0.75, 0.95)]
TOLERANCE = 8
"""Of 255: codecs round, and convert colours each in its own way."""
NOTHING = [255, 255, 255]


@pytest.fixture(scope="module")
def shown(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, dict[str, Any]]]:
    """(folder of the pictures, what Chromium shows of each)."""
    folder = tmp_path_factory.mktemp("zoo")
    files = all_pictures()
    for name, content in files.items():
        (folder / name).write_bytes(content)
    with looking_at(files, folder / "screenshots") as chromium:
        yield folder, chromium.pictures(list(files), PLACES)
    shutil.rmtree(folder, ignore_errors=True)


@pytest.mark.parametrize("name", all_pictures())
def test_we_see_what_chromium_shows(shown: tuple[Path, dict[str, Any]], name: str) -> None:
    folder, seen = shown
    browser, remarks = seen[name], list[str]()
    try:
        array, size = images.read(folder / name, remark=remarks.append)
    except MediaError:
        # Where a file holds no picture the browser shows an error, or an empty canvas.
        assert browser is None or all(colour == NOTHING for colour in browser["colours"])
        return
    assert browser is not None
    assert list(size) == browser["size"]
    ours = [array[int(size[1] * y), int(size[0] * x)].astype(int) for x, y in PLACES]
    assert np.abs(np.array(ours) - np.array(browser["colours"])).max() <= TOLERANCE
    assert bool(remarks) <= any(word in name for word in ("minus", "half", "head", "hole", "noiend", "badsum"))


def test_the_zoo_has_every_kind(shown: tuple[Path, dict[str, Any]]) -> None:
    """So that the test above compares pictures, and not errors."""
    _, seen = shown
    whole = [
        name for name in seen if not any(word in name for word in ("minus", "half", "head", "hole", "page", "empty"))
    ]
    assert len(whole) > 80
    assert all(seen[name] is not None for name in whole)
    assert seen["exif6.jpg"]["size"] == [60, 80]
    assert seen["exif6.webp"]["size"] == [80, 60]
    assert seen["page.png"] is seen["empty.png"] is None
