import dataclasses
from pathlib import Path

import pytest

from backend.demo.folder import from_folder
from tests.benchmarks.scenes import SCENES, make


@pytest.mark.parametrize("name", ["crowd", "worms"])
def test_a_scene_is_a_labelled_folder_and_always_the_same(tmp_path: Path, name: str) -> None:
    scene = dataclasses.replace(SCENES[name], frames=2, size=(160, 120), things=4)
    for folder in (tmp_path / "one", tmp_path / "two"):
        make(scene, folder)
    one, two = (from_folder(tmp_path / folder) for folder in ("one", "two"))
    assert len(one.frames) == 2
    assert all(frame.truth for frame in one.frames)
    assert [f.path.read_bytes() for f in one.frames] == [f.path.read_bytes() for f in two.frames]
