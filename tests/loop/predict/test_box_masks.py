"""Masks out of boxes: people draw boxes alone."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from backend.studio import tags
from backend.types import Instance
from tests.loop.house import House, box_of, square_of

CONFIG = """<View><Image name="image" value="$image"/>
<RectangleLabels name="label" toName="image"><Label value="square"/><Label value="disc"/></RectangleLabels>
<BitmaskLabels name="mask" toName="image" model_masks_from="label"><Label value="square"/></BitmaskLabels></View>"""
SIZE = (64, 48)
TASKS, LABELLED = range(1, 6), (1, 2, 3)


@pytest.fixture
def house(tmp_path: Path, quick: None) -> Iterator[House]:
    house = House(tmp_path)
    house.add_project(config=CONFIG)
    for task in TASKS:
        house.add_task(task)
    for task in LABELLED:
        house.label(task)
    yield house
    house.registry.close()


def read(house: House, result: list[dict[str, Any]]) -> dict[str, tuple[Instance, ...]]:
    controls = house.services.config(house.registry.projects.require(1)).require()
    return {c.from_name: tags.for_control(c).read(result, c, SIZE).instances for c in controls}


def truth(task: int) -> np.ndarray[Any, Any]:
    x0, y0, x1, y1 = square_of(task)
    mask = np.zeros(SIZE[::-1], np.bool_)
    mask[y0:y1, x0:x1] = True
    return mask


def check(house: House, task: int) -> list[dict[str, Any]]:
    [prediction] = house.shown()[task]
    found = read(house, prediction["result"])
    assert [one.label for one in found["label"]] == [one.label for one in found["mask"]] == ["square"]
    [mask] = [one.mask for one in found["mask"] if one.mask is not None]
    assert (mask & truth(task)).sum() / (
        mask | truth(task)
    ).sum() > 0.6  # how exact it is, the fallback chain's tests say
    result: list[dict[str, Any]] = prediction["result"]
    return result


def test_drawn_and_predicted_boxes_get_masks_before_any_mask_was_drawn(house: House) -> None:
    house.work()
    for task in TASKS:
        check(house, task)
    assert house.registry.versions.history(1, "clip", "mask") == []
    assert {item["id"] for item in house.shown()[1][0]["result"]} >= {box_of(1)[0]["id"]}


def test_masks_that_a_person_hands_in_are_learnt(house: House) -> None:
    house.work()
    result = [{k: v for k, v in item.items() if k != "score"} for item in check(house, 1)]
    house.label(1, result, "ANNOTATION_UPDATED")
    house.work()
    [version] = house.registry.versions.history(1, "clip", "mask")
    assert version.labels == 1
    [box] = house.registry.versions.history(1, "clip", "label")[-1:]
    assert box.labels == len(LABELLED)


def test_a_frame_without_any_box_has_no_mask_and_is_learnt_beside_those_that_have_one(house: House) -> None:
    house.label(2, [], "ANNOTATION_UPDATED")
    house.work()
    assert house.registry.versions.history(1, "clip", "mask") == []
    assert 2 not in house.shown()
    house.label(1, [{k: v for k, v in item.items() if k != "score"} for item in check(house, 1)], "ANNOTATION_UPDATED")
    house.work()
    assert [v.labels for v in house.registry.versions.history(1, "clip", "mask")] == [2]
