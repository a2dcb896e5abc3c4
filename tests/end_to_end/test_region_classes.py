"""Boxes, their points and the class of each, in one labeling config, with a real Label Studio and a real browser."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from backend.demo.annotator import Annotator
from backend.demo.data_set import DataSet, DemoFrame
from backend.loop.review.compare import Tally, compare
from backend.studio.client import Studio
from backend.studio.labeling_config import parse
from backend.studio.tags import for_control
from backend.types import Head, Instance, Keypoint
from tests.end_to_end.browser import Browser
from tests.end_to_end.conftest import BackendFactory
from tests.end_to_end.work import PATIENCE_SECONDS, until

pytestmark = [pytest.mark.slow, pytest.mark.label_studio, pytest.mark.browser]

WIDTH, HEIGHT, FRAMES = 240, 160, 14
LABELLED = (0, 3, 6, 9, 12)
CONFIG = """<View><Image name="image" value="$image"/>
  <RectangleLabels name="box" toName="image"><Label value="fish" background="#c62"/></RectangleLabels>
  <KeyPointLabels name="points" toName="image"><Label value="nose"/><Label value="tail"/></KeyPointLabels>
  <Choices name="mood" toName="image" perRegion="true"><Choice value="calm"/><Choice value="alarmed"/></Choices></View>"""
CONTROLS = parse(CONFIG).require()


def fish(frame: int) -> list[tuple[Instance, str]]:
    """Two fish, of which the striped one is alarmed; they swim to the right, and their noses are red."""
    found = []
    for n, (x, y) in enumerate(((20 + 9 * frame, 30 + 3 * frame), (150 - 6 * frame, 100))):
        box = (float(x), float(y), x + 60.0, y + 30.0)
        points = (Keypoint("nose", x + 55.0, y + 15.0), Keypoint("tail", x + 5.0, y + 15.0))
        found.append((Instance("fish", box, region_id=f"f{frame}n{n}", keypoints=points), ("calm", "alarmed")[n]))
    return found


def picture(frame: int) -> Image.Image:
    image = np.random.default_rng(frame).integers(60, 80, (HEIGHT, WIDTH, 3)).astype(np.uint8)
    for one, mood in fish(frame):
        x0, y0, x1, y1 = map(int, one.box)
        image[y0:y1, x0:x1] = (210, 180, 60)
        if mood == "alarmed":
            image[y0:y1, x0:x1:6] = (20, 20, 140)
        image[y0 + 8 : y0 + 22, x1 - 12 : x1] = (220, 40, 40)
        image[y0 + 8 : y0 + 22, x0 : x0 + 10] = (40, 160, 60)
    return Image.fromarray(image)


def data_set(folder: Path) -> DataSet:
    frames = []
    for number in range(FRAMES):
        path = folder / f"{number:02d}.png"
        picture(number).save(path)
        frames.append(DemoFrame(path, number, tuple(one for one, _ in fish(number))))
    return DataSet("fish", WIDTH, HEIGHT, ("fish",), tuple(frames), "made up", Head.DETECTION)


def drawn(frame: int) -> list[dict[str, Any]]:
    """What a person submits."""
    truth = fish(frame)
    said: dict[Head, list[Instance]] = {head: [one for one, _ in truth] for head in Head}
    said[Head.CLASSIFICATION] = [Instance(mood, one.box, region_id=one.region_id) for one, mood in truth]
    items = [item for c in CONTROLS for item in for_control(c).write(said[c.head], c, (WIDTH, HEIGHT))]
    return [{key: value for key, value in item.items() if key != "score"} for item in items]


def kinds(result: list[dict[str, Any]]) -> dict[str, list[dict[str, Any]]]:
    return {
        kind: [item for item in result if item["type"] == kind]
        for kind in ("rectanglelabels", "keypointlabels", "choices")
    }


def test_points_and_classes_come_back_with_their_boxes(
    studio: Studio, person: Annotator, backend: BackendFactory, browser: Browser, tmp_path: Path
) -> None:
    server, project = backend(MICRO_MODELS_EFFORT="0.15"), person.create_project("fish", CONFIG)
    tasks = person.upload(project, data_set(tmp_path))
    studio.connect_backend(project, server.url, "micro-models")
    for frame in LABELLED:
        person.submit(tasks[frame], drawn(frame))
    open_ = [n for n in range(FRAMES) if n not in LABELLED]

    def whole() -> dict[int, list[dict[str, Any]]] | None:
        known = {n: person.predictions(project).get(tasks[n], []) for n in open_}
        done = all(found and kinds(found[-1]["result"])["choices"] for found in known.values())
        return known if done else None

    shown = until(whole, lambda: f"{server.status(project)}; {server.child.log_tail()}", 2 * PATIENCE_SECONDS)  # type: ignore[union-attr]
    right = wrong = 0
    for frame, found in shown.items():
        result = found[-1]["result"]
        of = kinds(result)
        boxes = {item["id"]: item["value"] for item in of["rectanglelabels"]}
        assert {item["id"] for item in of["choices"]} == boxes.keys()
        assert {item["parentID"] for item in of["keypointlabels"]} <= boxes.keys()
        for item in of["choices"]:
            middle = boxes[item["id"]]["x"] + boxes[item["id"]]["width"] / 2, boxes[item["id"]]["y"]
            true = [mood for one, mood in fish(frame) if _is_near(one, middle)]
            right, wrong = right + (item["value"]["choices"] == true), wrong + (item["value"]["choices"] != true)
    assert right >= 0.9 * (right + wrong) >= 0.9 * len(open_)
    _submitted_as_shown(studio, browser, project, tasks[open_[0]])


def _is_near(one: Instance, middle: tuple[float, float]) -> bool:
    x, y = (one.box[0] + one.box[2]) / 2 / WIDTH * 100, one.box[1] / HEIGHT * 100
    return abs(x - middle[0]) < 10 and abs(y - middle[1]) < 15


def _submitted_as_shown(studio: Studio, browser: Browser, project: int, task: int) -> None:
    """In the editor the class stands at its box; submitted as it is, all of it is accepted."""
    browser.goto(f"/projects/{project}/data?task={task}")
    browser.find("canvas")
    script = (
        "const s = window.Htx?.annotationStore?.selected; if (!s) return null;"
        "const r = s.regions.filter(r => r.type === 'rectangleregion');"
        "return r.length ? r.map(r => r.results.filter(x => x.type === 'choices').map(x => x.mainValue).flat()) : null"
    )
    held = browser.until(lambda: browser.driver.execute_script(script), "the boxes in the editor")
    assert all(len(classes) == 1 and classes[0] in ("calm", "alarmed") for classes in held)
    browser.driver.execute_script(
        "const s = Htx.annotationStore.selected; s.selectArea(s.regions.find(r => r.type === 'rectangleregion'))"
    )
    browser.screenshot("boxes-points-and-classes")
    [shown] = studio.http.json("GET", "api/predictions/", params={"task": task})
    browser.click_text("Submit", "button")
    [annotation] = until(lambda: studio.http.json("GET", f"api/tasks/{task}/")["annotations"], "the annotation")
    tallies = compare(shown["result"], annotation["result"])
    assert sum(tally.actions for tally in tallies.values()) == 0
    count = len(shown["result"])
    assert sum((tally.accepted for tally in tallies.values()), 0) == count
    other = {"calm": "alarmed", "alarmed": "calm"}
    changed = [
        {**item, "value": {**item["value"], "choices": [other[item["value"]["choices"][0]]]}}
        if item["type"] == "choices"
        else item
        for item in annotation["result"]
    ]
    by_hand = compare(shown["result"], changed)
    assert sum(tally.relabelled for tally in by_hand.values()) == len(held)
    assert by_hand["box", "fish"] == Tally(accepted=len(held), labels=len(held))
