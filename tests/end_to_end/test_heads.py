"""Every head through the whole loop in a real Label Studio, chosen from the labeling config alone."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from label_studio_sdk.converter import brush
from PIL import Image

from backend.demo.annotator import Annotator
from backend.studio.client import Studio
from tests.end_to_end.browser import Browser
from tests.end_to_end.conftest import BackendFactory
from tests.end_to_end.work import until

pytestmark = [pytest.mark.slow, pytest.mark.label_studio]

WIDTH, HEIGHT, FRAMES = 160, 120, 16
LABELLED = (2, 5, 8, 11, 14)
CONFIG = """<View><Image name="image" value="$image"/>
  <BrushLabels name="mask" toName="image"><Label value="square"/></BrushLabels>
  <RectangleLabels name="box" toName="image"><Label value="square"/></RectangleLabels>
  <KeyPointLabels name="corner" toName="image"><Label value="top"/><Label value="bottom"/></KeyPointLabels>
  <Choices name="side" toName="image" choice="single"><Choice value="left"/><Choice value="right"/></Choices>
  <TextArea name="note" toName="image"/></View>"""


def place(number: int) -> tuple[int, int]:
    """Left top corner of the square in a frame, pixels."""
    return 8 + 7 * number, 20 + 3 * number


def picture(number: int) -> Image.Image:
    rng = np.random.default_rng(number)
    pixels = rng.integers(60, 110, (HEIGHT, WIDTH, 3), np.uint8)
    x, y = place(number)
    pixels[y : y + 36, x : x + 36] = (230, 190, 40)
    pixels[y : y + 8, x : x + 8] = (220, 30, 30)
    pixels[y + 28 : y + 36, x + 28 : x + 36] = (30, 60, 220)
    return Image.fromarray(pixels)


def result(number: int) -> list[dict[str, Any]]:
    """What a person would draw: mask, box with two points on it, choice."""
    x, y = place(number)
    mask = np.zeros((HEIGHT, WIDTH), np.uint8)
    mask[y : y + 36, x : x + 36] = 255
    common = {"to_name": "image", "original_width": WIDTH, "original_height": HEIGHT, "image_rotation": 0}
    percent = lambda px, py: {"x": 100 * px / WIDTH, "y": 100 * py / HEIGHT}  # noqa: E731
    box = {
        **percent(x, y),
        "width": 3600 / WIDTH,
        "height": 3600 / HEIGHT,
        "rotation": 0,
        "rectanglelabels": ["square"],
    }
    points = {"top": (x + 4, y + 4), "bottom": (x + 32, y + 32)}
    return [
        {"id": "m", "from_name": "mask", "type": "brushlabels", **common,
         "value": {"format": "rle", "rle": [int(v) for v in brush.mask2rle(mask)], "brushlabels": ["square"]}},
        {"id": "b", "from_name": "box", "type": "rectanglelabels", **common, "value": box},
        *({"id": f"k{name}", "from_name": "corner", "type": "keypointlabels", "parentID": "b", **common,
           "value": {**percent(*at), "width": 1, "keypointlabels": [name]}} for name, at in points.items()),
        {"id": "c", "from_name": "side", "to_name": "image", "type": "choices",
         "value": {"choices": ["left" if x < 60 else "right"]}},
    ]  # fmt: skip


def test_all_heads_at_once(
    person: Annotator, studio: Studio, backend: BackendFactory, browser: Browser, tmp_path: Path
) -> None:
    files = [tmp_path / f"{number:02d}.png" for number in range(FRAMES)]
    for number, file in enumerate(files):
        picture(number).save(file)
    project = int(studio.create_project("all heads", CONFIG)["id"])
    urls = studio.upload(project, files)
    tasks = studio.create_tasks(project, [{"image": url, "video": "square", "frame": n} for n, url in enumerate(urls)])
    server = backend(MICRO_MODELS_EFFORT="0.25")
    server.connect(project)
    for number in LABELLED:
        studio.annotate(tasks[number], result(number))
    until(
        lambda: [(g["state"], g["trained_labels"]) for g in server.status(project)["groups"]] == [("idle", 5)],
        lambda: f"{server.status(project)} {server.child.log_tail()}",
        600,
    )
    status = server.status(project)
    assert any("TextArea" in words for words in status["unsupported"])
    assert status["groups"][0]["reason"] is None
    shown = person.predictions(project)
    rest = [n for n in range(FRAMES) if n not in LABELLED]
    assert {tasks[n] for n in rest} <= set(shown)
    kinds = {"mask": 0, "box": 0, "corner": 0, "side": 0}
    for number in rest:
        (prediction,) = shown[tasks[number]]
        by_control = {name: [r for r in prediction["result"] if r["from_name"] == name] for name in kinds}
        assert len({r["id"] for r in prediction["result"]}) == len(prediction["result"])
        boxes = {r["id"] for r in by_control["box"]}
        assert {r["parentID"] for r in by_control["corner"]} <= boxes
        for name, regions in by_control.items():
            kinds[name] += bool(regions)
    assert all(count >= 0.7 * len(rest) for count in kinds.values()), kinds
    browser.goto(f"/projects/{project}/data?task={tasks[rest[len(rest) // 2]]}")
    browser.find("canvas")
    drawn = browser.until(
        lambda: browser.driver.execute_script("return Htx.annotationStore.selected.regions.map(r => r.type)"),
        "the editor to hold the regions",
    )
    assert {"brushregion", "rectangleregion", "keypointregion"} <= set(drawn)
    browser.screenshot("all-heads")
