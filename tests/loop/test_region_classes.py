"""Boxes, and the class of each (`Choices perRegion`), from labels to predictions, and what is counted of them."""

import copy
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from backend.learning import methods
from backend.loop.review.reviewing import review_pending
from tests.loop.house import CONFIG, EyeForColour, House, box_of, square_of, teach

CHOICES = '<Choices name="side" toName="image" perRegion="true"{}><Choice value="left"/><Choice value="right"/></Choices></View>'
WITH_SIDES = CONFIG.replace("</View>", CHOICES.format(""))
COUNTS = ("labels", "added", "accepted", "moved", "relabelled", "deleted")
FRAMES, LABELLED = 24, (3, 8, 13, 18, 23)


def side_of(task: int) -> str:
    x0, _, x1, _ = square_of(task)
    return "right" if (x0 + x1) / 2 > 28 else "left"


def classed(box: dict[str, Any], side: str) -> list[dict[str, Any]]:
    """A box, and its class as the editor submits it."""
    geometry = {key: value for key, value in box["value"].items() if key != "rectanglelabels"}
    common = {key: box[key] for key in ("id", "to_name", "original_width", "original_height", "image_rotation")}
    item = {**common, "from_name": "side", "type": "choices", "value": {**geometry, "choices": [side]}}
    return [box, item]


def labelled(task: int) -> list[dict[str, Any]]:
    return classed(box_of(task)[0], side_of(task))


@pytest.fixture
def house(tmp_path: Path, quick: None, monkeypatch: pytest.MonkeyPatch) -> Iterator[House]:
    """Boxes by their colour; their classes are really learnt."""
    by = methods.METHODS[-1]
    monkeypatch.setattr(
        methods, "train", lambda c, given, r: (by.train if c.attribute_of else teach_boxes)(*of(c, given, r))
    )
    monkeypatch.setattr(methods, "load", lambda w, device="auto": by.load(w) if by.has_trained(w) else EyeForColour(w))
    house = House(tmp_path)
    house.add_project(config=WITH_SIDES)
    for task in range(1, FRAMES + 1):
        house.add_task(task)
    yield house
    house.registry.close()


def of(control: Any, given: Any, recipe: Any) -> tuple[Any, ...]:
    return (given, recipe) if control.attribute_of else (control, given, recipe)


def teach_boxes(control: Any, given: Any, recipe: Any) -> Any:
    trained = teach(control, given, recipe)
    trained.weights.metadata["head"] = "detection"
    return trained


def tallies(house: House) -> dict[tuple[str, str], dict[str, int]]:
    """What was counted of each control and label, in all."""
    review_pending(house.services, 1)
    found: dict[tuple[str, str], dict[str, int]] = {}
    for row in house.registry.reviews.of_group(1, "clip"):
        mine = found.setdefault((row.control, row.label), dict.fromkeys(COUNTS, 0))
        for key in COUNTS:
            mine[key] += getattr(row, key)
    return found


@pytest.mark.parametrize("chosen", [LABELLED, (1, 5, 9, 14, 20)])
def test_classes_of_boxes_are_learnt_from_five_frames_and_come_back_with_the_boxes_ids(
    house: House, chosen: tuple[int, ...]
) -> None:
    for task in chosen:
        house.label(task, labelled(task))
    house.work()
    shown = {task: one["result"] for task, [one] in house.shown().items()}
    assert shown.keys() == set(range(1, FRAMES + 1)) - set(chosen)
    for result in shown.values():
        box, side = result
        assert (side["id"], side["from_name"], side["type"]) == (box["id"], "side", "choices")
        assert (side["original_width"], side["original_height"]) == (64, 48)
    right = [result[1]["value"]["choices"] == [side_of(task)] for task, result in shown.items()]
    assert sum(right) >= 0.8 * len(right), "1.0 and 0.84 with these frames: which five are labelled matters"
    serving = house.registry.versions.serving(1, "clip")
    assert serving.keys() == {"label", "side"}
    assert serving["label"].id < serving["side"].id, "each behind the one that it hangs on"


def test_the_ledger_counts_classes_beside_their_boxes(house: House) -> None:
    for task in LABELLED:
        house.label(task, labelled(task))
    house.work()
    shown = {item["task"]: (id_, copy.deepcopy(item["result"])) for id_, item in house.studio.predictions.items()}
    left = [task for task, (_, result) in shown.items() if result[1]["value"]["choices"] == [side_of(task)]]
    accepted, changed, dropped, bare = left[:4]
    for task in (accepted, changed, dropped, bare):
        prediction, result = shown[task]
        if task == changed:
            other = {"left": "right", "right": "left"}[side_of(task)]
            result[1]["value"]["choices"] = [other]
        house.label(
            task, [] if task == dropped else result[:1] if task == bare else result, parent_prediction=prediction
        )
    found = tallies(house)
    assert found["label", "square"] == {
        "labels": 5 + 3, "added": 5, "accepted": 3, "deleted": 1, "moved": 0, "relabelled": 0,
    }  # fmt: skip
    sides = {
        key: sum(found.get(("side", side), {}).get(key, 0) for side in ("left", "right"))
        for key in found["label", "square"]
    }
    assert sides == {"labels": 5 + 2, "added": 5, "accepted": 1, "relabelled": 1, "deleted": 1, "moved": 0}


def test_a_class_set_on_accepted_boxes_where_none_was_predicted_is_one_action_each(house: House) -> None:
    for task in (1, 2):
        house.label(task)
    house.work()
    for task in (3, 4, 5, 6):
        prediction, item = next((i, p) for i, p in house.studio.predictions.items() if p["task"] == task)
        [box] = copy.deepcopy(item["result"])
        house.label(task, classed(box, "left"), parent_prediction=prediction)
    found = tallies(house)
    assert (found["label", "square"]["added"], found["label", "square"]["accepted"]) == (2, 4)
    assert (found["side", "left"]["added"], found["side", "left"]["labels"]) == (4, 4)
    assert all(not mine["relabelled"] for mine in found.values())


def test_only_boxes_of_the_labels_that_the_editor_shows_it_for_get_a_class(house: House) -> None:
    config = CONFIG.replace("</View>", CHOICES.format(' visibleWhen="region-selected" whenLabelValue="disc"'))
    house.studio.projects[1]["label_config"] = config
    for task in LABELLED:
        house.label(task, labelled(task))
    house.work()
    assert all(len(one["result"]) == 1 for [one] in house.shown().values())
    assert house.registry.versions.serving(1, "clip").keys() == {"label"}, "there is nothing to learn from"


def test_boxes_without_a_class_are_no_examples(house: House) -> None:
    for task in LABELLED:
        house.label(task, labelled(task) if task != LABELLED[0] else box_of(task))
    house.work()
    serving = house.registry.versions.serving(1, "clip")
    assert (serving["label"].labels, serving["side"].labels) == (5, 4)
