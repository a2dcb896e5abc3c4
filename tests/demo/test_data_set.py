import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from backend.demo import data_set
from backend.demo.data_set import DataSet, DemoFrame, from_folder
from backend.errors import DemoError
from backend.types import Instance

BUNNY = Path(data_set.__file__).with_name("big_buck_bunny.json")


def folder_of(path: Path, entries: list[dict[str, Any]], **changed: Any) -> Path:
    (path / "frames").mkdir()
    for entry in entries:
        Image.fromarray(np.zeros((4, 6, 3), np.uint8)).save(path / "frames" / entry["file"])
    described = {"task": "detection", "width": 6, "height": 4, "classes": ["ball"], "frames": entries} | changed
    (path / "labels.json").write_text(json.dumps({key: value for key, value in described.items() if value is not None}))
    return path


def entry(index: int, *boxes: list[float]) -> dict[str, Any]:
    objects = [{"label": "ball", "box": box} for box in boxes]
    return {"file": f"{index:06d}.jpg", "index": index, "objects": objects}


def frames(count: int, truth: bool = True) -> DataSet:
    some = Instance("ball", (0, 0, 1, 1))
    made = tuple(DemoFrame(Path(f"{n}.jpg"), n, (some,) if truth else None) for n in range(count))
    return DataSet("made", 6, 4, ("ball",), made)


def test_a_frame_without_objects_is_known_to_be_empty(tmp_path: Path) -> None:
    found = from_folder(folder_of(tmp_path, [entry(0), entry(1, [0, 1, 2, 3])]))
    assert found.frames[0].truth == ()
    assert found.frames[1].truth == (Instance("ball", (0.0, 1.0, 2.0, 3.0)),)
    assert found.name == tmp_path.name


def test_frame_numbers_are_kept_when_they_rise(tmp_path: Path) -> None:
    assert [frame.number for frame in from_folder(folder_of(tmp_path, [entry(60), entry(62)])).frames] == [60, 62]


def test_frame_numbers_that_go_back_are_replaced_by_positions(tmp_path: Path) -> None:
    entries = [entry(5), entry(4), entry(9)]
    assert [frame.number for frame in from_folder(folder_of(tmp_path, entries)).frames] == [0, 1, 2]


@pytest.mark.parametrize(
    ("changed", "said"),
    [({"classes": None}, "lacks classes"), ({"task": "pose"}, "of the task 'pose'")],
)
def test_what_is_wrong_with_labels_is_said(tmp_path: Path, changed: dict[str, Any], said: str) -> None:
    with pytest.raises(DemoError, match=said):
        from_folder(folder_of(tmp_path, [entry(0)], **changed))


def test_a_folder_without_labels_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DemoError, match=r"labels\.json cannot be read .* Expected a folder with frames/"):
        from_folder(tmp_path)


def test_a_missing_frame_is_named(tmp_path: Path) -> None:
    folder = folder_of(tmp_path, [entry(0), entry(1)])
    (folder / "frames" / "000001.jpg").unlink()
    with pytest.raises(DemoError, match=r"no .*000001\.jpg"):
        from_folder(folder)


@given(st.integers(2, 400).flatmap(lambda n: st.tuples(st.just(n), st.integers(1, n - 1))))
def test_labelled_and_evaluated_frames_never_meet(case: tuple[int, int]) -> None:
    count, labels = case
    group = frames(count)
    labelled = group.labelled(labels)
    assert 1 <= len(labelled) <= labels
    assert list(labelled) == sorted(set(labelled))
    assert sorted({*labelled, *group.evaluation(labelled)}) == list(range(count))


@pytest.mark.parametrize("labels", [0, 6, 7])
def test_an_impossible_number_of_labels_is_refused(labels: int) -> None:
    with pytest.raises(DemoError, match="of 6 frames"):
        frames(6).labelled(labels)


def test_frames_nobody_looked_at_cannot_be_labelled() -> None:
    with pytest.raises(DemoError, match="no boxes for the frames at"):
        frames(9, truth=False).labelled(2)


def test_the_bunnys_boxes_are_where_the_demo_labels() -> None:
    described = json.loads(BUNNY.read_text())
    made = {item["index"]: data_set.instances(item) for item in described["frames"]}
    count = described["frame_count"]
    group = data_set.described_set(described, [DemoFrame(Path(f"{n}"), n, made.get(n)) for n in range(count)])
    labelled = group.labelled(5)
    assert list(labelled) == described["labelled"] == [22, 44, 66, 87, 109]
    assert len(group.evaluation(labelled)) == 15
    for frame in group.frames:
        for instance in frame.truth or ():
            x0, y0, x1, y1 = instance.box
            assert 0 <= x0 < x1 <= group.width
            assert 0 <= y0 < y1 <= group.height
            assert instance.label in group.classes


def test_a_clip_of_another_length_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(data_set, "installed_clip", lambda *_: tmp_path)
    monkeypatch.setattr(data_set, "write_frames", lambda *_: {0: tmp_path})
    with pytest.raises(DemoError, match="has 1 frames; its boxes are of a clip of 132"):
        data_set.big_buck_bunny(tmp_path)
