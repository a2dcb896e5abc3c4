import json
from pathlib import Path

import pytest

from backend.demo.annotator import rectangle_config
from backend.demo.data_set import DataSet, DemoFrame
from backend.demo.measuring import measure, predicted_instances
from backend.studio.labeling_config import parse
from backend.studio.regions import for_control
from backend.types import Instance

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
    figures = measure(frames, (0,), {0: (FAR,), 1: (BOX,), 2: (FAR, FAR), 3: (FAR,)}, 12.34)
    assert (figures.recall, figures.precision, figures.evaluated) == (0.5, 0.5, 2)
    assert (figures.predicted, figures.unlabelled, figures.labels, figures.seconds) == (3, 3, 1, 12.3)
    figures.write(tmp_path / "figures.json")
    assert json.loads((tmp_path / "figures.json").read_text())["recall"] == 0.5


def test_no_predictions_have_no_precision() -> None:
    figures = measure(group((BOX,), (BOX,)), (0,), {}, 1.0)
    assert (figures.recall, figures.precision, figures.predicted) == (0.0, None, 0)
