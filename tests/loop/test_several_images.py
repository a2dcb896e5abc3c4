"""Several images in one task (`Image valueList`): each is a frame of the task's group."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from backend.loop.predict.on_demand import Predictor
from backend.studio.events import TaskData
from tests.loop.house import House

CONFIG = """<View><Image name="image" valueList="$images"/>
<RectangleLabels name="label" toName="image"><Label value="square"/></RectangleLabels></View>"""
SIZE = (100, 80)
TASKS, LABELLED, IMAGES = (1, 2, 3), (1, 2), 3
BROKEN = (3, 1)
"""(task, image): whose file is no picture."""


def region_of(task: int, place: int, **more: Any) -> dict[str, Any]:
    value = {"x": 10.0 * task, "y": 10.0 + 20 * place, "width": 20.0, "height": 15.0, "rotation": 0}
    return {
        "id": f"r{task}.{place}", "from_name": "label", "to_name": "image", "type": "rectanglelabels",
        "original_width": SIZE[0], "original_height": SIZE[1], "image_rotation": 0,
        "value": {**value, "rectanglelabels": ["square"]}, "item_index": place, **more,
    }  # fmt: skip


def picture(task: int, place: int) -> np.ndarray[Any, Any]:
    value = region_of(task, place)["value"]
    pixels = np.full((SIZE[1], SIZE[0], 3), 40, np.uint8)
    x, y, w, h = (round(value[k] * SIZE[n % 2] / 100) for n, k in enumerate(("x", "y", "width", "height")))
    pixels[y : y + h, x : x + w] = (250, 200, 60)
    return pixels


@pytest.fixture
def house(tmp_path: Path, quick: None) -> Iterator[House]:
    house = House(tmp_path)
    house.add_project(config=CONFIG)
    for task in TASKS:
        names = [f"{task}-{place}.png" for place in range(IMAGES)]
        for place, name in enumerate(names):
            if (task, place) == BROKEN:
                (house.media / name).write_bytes(b"no picture")
            else:
                Image.fromarray(picture(task, place)).save(house.media / name)
        fields = {"video": "stack", "images": [f"/data/local-files/?d={name}" for name in names]}
        house.studio.rows[task] = {"id": task, "project": 1, "data": fields, "annotations": []}
        house.send("TASKS_CREATED", tasks=[{"id": task, "data": fields}])
    for task in LABELLED:
        house.label(task, [region_of(task, place) for place in range(IMAGES)])
    yield house
    house.registry.close()


def check(task: int, result: list[dict[str, Any]], places: set[int]) -> None:
    assert {item["item_index"] for item in result} == places
    assert len({item["id"] for item in result}) == len(result) == len(places)
    for item in result:
        expected = region_of(task, item["item_index"])["value"]
        for key in ("x", "y", "width", "height"):
            assert item["value"][key] == pytest.approx(expected[key], abs=2), key


def test_all_images_of_labelled_tasks_are_learnt_and_those_of_others_predicted_in_one(house: House) -> None:
    house.work()
    [version] = house.registry.versions.history(1, "stack", "label")
    assert version.labels == len(LABELLED) * IMAGES
    [[prediction]] = house.shown().values()
    check(3, prediction["result"], {0, 2})
    [task] = [t for t in house.registry.tasks.of_group(1, "stack") if t.problem]
    assert (task.id, "cannot be decoded" in str(task.problem)) == (3, True)


def test_what_is_answered_on_demand_has_all_images(house: House) -> None:
    house.work()
    Image.fromarray(picture(*BROKEN)).save(house.media / "3-1.png")
    [answer] = Predictor(house.services).predict(1, [TaskData(33, house.studio.rows[3]["data"])])
    assert answer is not None
    check(3, answer["result"], {0, 1, 2})
