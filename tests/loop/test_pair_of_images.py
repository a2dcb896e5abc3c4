"""Two images in one labeling config, as of two cameras, each with controls of its own."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from backend.loop.predict.on_demand import Predictor
from backend.studio.events import TaskData
from tests.loop.house import House

CONFIG = """<View>
  <Image name="left" value="$left"/>
  <RectangleLabels name="lb" toName="left"><Label value="square"/></RectangleLabels>
  <Image name="right" value="$right"/>
  <RectangleLabels name="rb" toName="right"><Label value="square"/></RectangleLabels>
</View>"""
SIZES = {"left": (200, 150), "right": (64, 48)}
CONTROLS = {"left": "lb", "right": "rb"}
TASKS, LABELLED = range(1, 7), (1, 2)


def box_of(task: int, side: str) -> tuple[int, int, int, int]:
    """x, y, width and height in pixels of the bright square."""
    width, height = SIZES[side]
    return int(width * 0.1 * task), int(height * 0.2), int(width * 0.2), int(height * 0.3)


def region_of(task: int, side: str) -> dict[str, Any]:
    x, y, w, h = box_of(task, side)
    width, height = SIZES[side]
    value = {"x": 100 * x / width, "y": 100 * y / height, "width": 100 * w / width, "height": 100 * h / height}
    return {
        "id": f"{side}{task}", "from_name": CONTROLS[side], "to_name": side, "type": "rectanglelabels",
        "original_width": width, "original_height": height, "image_rotation": 0,
        "value": {**value, "rotation": 0, "rectanglelabels": ["square"]},
    }  # fmt: skip


@pytest.fixture
def house(tmp_path: Path, quick: None) -> Iterator[House]:
    house = House(tmp_path)
    house.add_project(config=CONFIG)
    for task in TASKS:
        fields = {"video": "clip", "frame": task}
        for side, (width, height) in SIZES.items():
            picture = np.full((height, width, 3), 40, np.uint8)
            x, y, w, h = box_of(task, side)
            picture[y : y + h, x : x + w] = (250, 200, 60)
            Image.fromarray(picture).save(house.media / f"{side}{task}.png")
            fields[side] = f"/data/local-files/?d={side}{task}.png"
        house.studio.rows[task] = {"id": task, "project": 1, "data": fields, "annotations": []}
        house.send("TASKS_CREATED", tasks=[{"id": task, "data": fields}])
    yield house
    house.registry.close()


def check(task: int, result: list[dict[str, Any]]) -> None:
    assert {item["to_name"] for item in result} == set(SIZES)
    for item in result:
        expected = region_of(task, item["to_name"])
        assert (item["original_width"], item["original_height"]) == SIZES[item["to_name"]]
        assert [item["value"][k] for k in ("x", "y", "width", "height")] == pytest.approx(
            [expected["value"][k] for k in ("x", "y", "width", "height")], abs=0.01
        )


def test_what_is_published_for_each_image_is_in_its_own_size(house: House) -> None:
    for task in LABELLED:
        house.label(task, [region_of(task, side) for side in SIZES])
    house.work()
    shown = house.shown()
    assert set(shown) == set(TASKS) - set(LABELLED)
    for task, [item] in shown.items():
        check(task, item["result"])


def test_what_is_answered_on_demand_for_each_image_is_in_its_own_size(house: House) -> None:
    for task in LABELLED:
        house.label(task, [region_of(task, side) for side in SIZES])
    house.work()
    fresh = {**house.studio.rows[3]["data"], "frame": 33}
    [answer] = Predictor(house.services).predict(1, [TaskData(33, fresh)])
    assert answer is not None
    check(3, answer["result"])
