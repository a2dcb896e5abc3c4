"""What a labeling config asks for, as one model."""

from dataclasses import replace
from pathlib import Path

import pytest

from backend.errors import TrainingError
from backend.instances import Instances
from backend.objects import micro_model as micro_models
from backend.objects.asked import as_json, controls_of, inferred
from backend.objects.files import load
from backend.objects.frames import input_frame
from backend.objects.micro_model import MicroModel
from backend.objects.whole import Whole, whole
from backend.types import Condition, Control, Head
from tests.objects.made import MadeUp, boxes, classes, frame, micro_model, points

MODELS = {
    "label": boxes(["cat", "dog"], [(3, 4, 0.9, 0), (20, 20, 0.4, 1)]),
    "hands": points("hand", "foot"),
    "kind": micro_model("classification", ["up", "down"], parented=True),
    "scene": classes("day", "night"),
}
CONTROLS = {control.from_name: control for control in inferred(MODELS)}
DARK, BRIGHT = frame(0), frame(200)


def composed(**changed: dict[str, object]) -> Whole:
    """The four, some of their control tags changed."""
    controls = [replace(one, **changed.get(name, {})) for name, one in CONTROLS.items()]  # type: ignore[arg-type]
    found = whole(controls, MODELS)
    assert isinstance(found, Whole)
    return found


def objects(found: Instances) -> list[tuple[str, object, bool]]:
    """Of each object its label, its class and whether it has a point."""
    rows = zip(found.label.tolist(), found.attributes, found.visibility.any(1).tolist(), strict=True)
    return [(label, about.get("kind"), seen) for label, about, seen in rows]


def test_all_is_said_at_once() -> None:
    assert objects(composed()(DARK)) == [("cat", "down", True), ("dog", "up", True), ("day", None, False)]
    assert (composed().labels, composed().heads) == (
        ("cat", "dog", "day", "night"),
        {Head.DETECTION, Head.CLASSIFICATION},
    )


def test_what_is_below_a_controls_threshold_is_not_shown_nor_looked_into() -> None:
    assert objects(composed(label={"score_threshold": 0.5})(DARK)) == [("cat", "down", True), ("day", None, False)]
    one = replace(CONTROLS["label"], score_threshold=0.5)
    assert whole([one], MODELS)(DARK).label.tolist() == ["cat"]


def test_only_regions_of_some_labels_have_a_class() -> None:
    found = composed(kind={"only_of": ("dog",)})(DARK)
    assert objects(found) == [("cat", None, True), ("dog", "up", True), ("day", None, False)]


def test_what_the_editor_hides_beside_a_choice_is_left_out() -> None:
    at_night = composed(label={"visible_when": (Condition("scene", ("night",)),)})
    assert objects(at_night(DARK)) == [("day", None, False)]
    assert objects(at_night(BRIGHT))[0] == ("cat", "down", True)


def test_a_class_that_another_class_of_the_region_hides_is_left_out() -> None:
    models = MODELS | {"mood": micro_model("classification", ["calm", "wild"], parented=True)}
    asked = [replace(one, visible_when=(Condition("kind", ("down",)),)) if name == "mood" else one
             for name, one in {one.from_name: one for one in inferred(models)}.items()]  # fmt: skip
    assert [about.get("mood") for about in whole(asked, models)(DARK).attributes] == ["wild", None, None]


def test_a_part_that_fails_says_nothing_and_the_others_are_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    class Failing(MadeUp):
        def predict(self, *given: object, **more: object) -> list[object]:  # type: ignore[override]
            raise TrainingError("no backbone")

    failing = MicroModel(MODELS["hands"].weights)
    monkeypatch.setattr(micro_models, "load", lambda w: (Failing if w is failing.weights else MadeUp)(w))
    with pytest.warns(UserWarning, match="says nothing: no backbone"):
        found = whole(tuple(CONTROLS.values()), MODELS | {"hands": failing})(DARK)
    assert objects(found) == [("cat", "down", False), ("dog", "up", False), ("day", None, False)]


def test_each_frame_is_told_as_by_itself_and_its_score_is_that_of_the_least_certain_part() -> None:
    given = [input_frame(DARK), input_frame(BRIGHT)]
    both, alone = composed().answers(given), [composed().answers([one])[0] for one in given]
    assert [objects(one.found) for one in both] == [objects(one.found) for one in alone]
    assert [one.score for one in both] == [one.score for one in alone] == [0.75, 0.75]


def test_what_the_editor_hides_is_no_work() -> None:
    doubtful = micro_model("classification", ["up", "down"], parented=True, score=0.1)
    [told] = whole(tuple(CONTROLS.values()), MODELS | {"kind": doubtful}).answers([input_frame(DARK)])
    assert told.score == 0.1
    asked = [replace(one, visible_when=(Condition("scene", ("night",)),)) if one.from_name == "label" else one
             for one in CONTROLS.values()]  # fmt: skip
    [told] = whole(asked, MODELS | {"kind": doubtful}).answers([input_frame(DARK)])
    assert told.score == 0.75


def test_saved_and_loaded_it_is_the_same(tmp_path: Path) -> None:
    asked = composed(kind={"only_of": ("dog",)}, label={"visible_when": (Condition("scene", ("night",)),)})
    asked.save(tmp_path / "whole.mm")
    found = load(tmp_path / "whole.mm")
    assert (found, objects(found(BRIGHT))) == (asked, objects(asked(BRIGHT)))


def test_control_tags_survive_json() -> None:
    every: tuple[Control, ...] = tuple(CONTROLS.values())
    assert controls_of(as_json(every)) == every
    with pytest.raises(ValueError, match="validation error"):
        controls_of([{"from_name": "label"}])
