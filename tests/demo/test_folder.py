import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from rich.console import Console

from backend.demo.demo import load
from backend.demo.folder import from_folder
from backend.errors import DemoError
from backend.types import Head, Instance, Keypoint


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
    [
        ({"classes": None}, "lacks classes"),
        ({"task": "tracking"}, "of the task 'tracking'. Expected one of: detection"),
    ],
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


def test_points_of_one_object_have_no_label_and_of_several_have(tmp_path: Path) -> None:
    one = {"label": "fly", "box": [0, 0, 4, 4], "keypoints": [[1, 2, 1], [0, 0, 0]]}
    described: Any = {"task": "pose", "classes": ["fly"], "keypoints": ["head", "tail"]}
    for name, objects in (("single", [one]), ("double", [one, one])):
        (tmp_path / name).mkdir()
        folder_of(tmp_path / name, [entry(0) | {"objects": objects}, entry(1)], **described)
    single, double = from_folder(tmp_path / "single"), from_folder(tmp_path / "double")
    points = (Keypoint("head", 1.0, 2.0),)
    assert single.frames[0].truth == (Instance("", (0, 0, 4, 4), keypoints=points),)
    assert double.frames[0].truth == (Instance("fly", (0, 0, 4, 4), keypoints=points),) * 2
    assert (single.classes, single.objects) == (("head", "tail"), ())
    assert (double.classes, double.objects, double.head) == (("head", "tail"), ("fly",), Head.POSE)


@pytest.mark.parametrize(("classes", "found"), [(["a"], ["a"]), (["a", "b", "c"], ["a", "c"])])
def test_masks_are_read_by_their_index(tmp_path: Path, classes: list[str], found: list[str]) -> None:
    index = np.zeros((4, 6), np.uint8)
    index[1, 2:4], index[3, 0] = 1, 3
    (tmp_path / "masks").mkdir()
    Image.fromarray(index).save(tmp_path / "masks" / "0.png")
    entries = [entry(0) | {"mask": "masks/0.png"}, entry(1) | {"mask": None}]
    read = from_folder(folder_of(tmp_path, entries, task="segmentation", classes=classes))
    truth = read.frames[0].truth or ()
    assert [one.label for one in truth] == found
    assert np.count_nonzero(truth[0].mask) == (3 if len(classes) == 1 else 2)  # one class: whatever is not 0
    assert read.frames[1].truth == ()


def test_classes_are_those_of_whole_frames(tmp_path: Path) -> None:
    entries = [entry(0) | {"class": "ball"}, entry(1) | {"class": None}]
    read = from_folder(folder_of(tmp_path, entries, task="classification"))
    assert [frame.truth for frame in read.frames] == [(Instance("ball", (0, 0, 6, 4)),), ()]


def test_the_demo_shows_a_folder_as_what_it_is(tmp_path: Path) -> None:
    folder_of(tmp_path, [entry(0) | {"class": "ball"}], task="classification")
    assert load(tmp_path, tmp_path, Console(), Head.DETECTION).head is Head.CLASSIFICATION
    with pytest.raises(DemoError, match="holds classification, which this demo cannot show"):
        load(tmp_path, tmp_path, Console(), Head.POSE)
