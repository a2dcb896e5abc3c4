import json
from pathlib import Path

import pytest

from backend.demo.annotator import rectangle_config
from backend.demo.cases import CASES, box_scores
from backend.demo.data_set import DataSet, DemoFrame
from backend.demo.measuring import measure, predicted_instances
from backend.studio.labeling_config import parse
from backend.studio.tags import for_control
from backend.types import Head, Instance, Keypoint

BOX = Instance("a & b", (10.0, 20.0, 60.0, 70.0))
FAR = Instance("a & b", (70.0, 70.0, 90.0, 90.0))
CONTROL = parse(rectangle_config(["a & b", "c"])).require()[0]


def group(*truths: tuple[Instance, ...] | None) -> DataSet:
    frames = tuple(DemoFrame(Path(f"{n}.jpg"), n, truth) for n, truth in enumerate(truths))
    return DataSet("made", 100, 100, ("a & b", "c"), frames)


def test_the_config_carries_every_label_as_it_is() -> None:
    assert CONTROL.labels == ("a & b", "c")
    assert (CONTROL.from_name, CONTROL.media_field) == ("label", "image")


def test_predictions_are_read_with_their_scores() -> None:
    result = for_control(CONTROL).write([Instance(BOX.label, BOX.box, 0.75)], CONTROL, (100, 100))
    found = predicted_instances({7: {"result": result}, 99: {"result": []}}, [5, 7], CONTROL)
    assert list(found) == [1]
    (instance,) = found[1]
    assert (instance.label, instance.score) == (BOX.label, 0.75)
    assert instance.box == pytest.approx(BOX.box, abs=0.01)


def test_only_frames_with_known_boxes_that_were_not_submitted_count(tmp_path: Path) -> None:
    frames = group((BOX,), (BOX,), None, (BOX,))
    figures = measure(frames, (0,), {0: (FAR,), 1: (BOX,), 2: (FAR, FAR), 3: (FAR,)}, 12.34, box_scores)
    assert {score.name: score.value for score in figures.scores} == {"recall": 0.5, "precision": 0.5, "f1": 0.5}
    assert figures.evaluated == 2
    assert (figures.predicted, figures.unlabelled, figures.labels, figures.seconds) == (3, 3, 1, 12.3)
    figures.write(tmp_path / "figures.json")
    written = json.loads((tmp_path / "figures.json").read_text())
    assert (written["recall"], written["seconds"]) == (0.5, 12.3)
    assert "scores" not in written


def test_no_predictions_have_no_precision() -> None:
    figures = measure(group((BOX,), (BOX,)), (0,), {}, 1.0, box_scores)
    assert [score.value for score in figures.scores] == [0.0, None, 0.0]
    assert figures.predicted == 0


def test_points_without_a_region_around_them_are_read() -> None:
    control = parse(CASES[Head.POSE].config(["nose", "left paw"])).require()[0]
    points = (Keypoint("nose", 10, 20, 0.9), Keypoint("left paw", 30, 40, 0.8))
    result = for_control(control).write([Instance("", (0, 0, 50, 50), 0.7, keypoints=points)], control, (100, 100))
    ((instance,),) = predicted_instances({5: {"result": result}}, [5], control).values()
    assert [(point.label, point.x, point.y) for point in instance.keypoints] == [("nose", 10, 20), ("left paw", 30, 40)]


def test_classes_are_read_with_their_scores() -> None:
    control = parse(CASES[Head.CLASSIFICATION].config(["in", "out"])).require()[0]
    result = for_control(control).write([Instance("out", (0, 0, 100, 100), 0.6)], control, (100, 100))
    ((instance,),) = predicted_instances({5: {"result": result}}, [5], control).values()
    assert (instance.label, instance.score) == ("out", 0.6)
