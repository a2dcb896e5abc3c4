"""Control tags of Label Studio 1.23 in its real editor: what we write is shown, and comes back as it was."""

import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.keys import Keys

from backend.loop.data.pages import indexed, number_of, result_of
from backend.loop.review.compare import compare
from backend.studio.client import Studio
from backend.studio.labeling_config import parse
from backend.studio.tags import for_control
from backend.types import Control, Head, Instance, Keypoint
from tests.end_to_end.browser import Browser
from tests.end_to_end.work import until
from tests.studio.regions.masks import disk

pytestmark = [pytest.mark.slow, pytest.mark.label_studio, pytest.mark.browser]

SIZE = (120, 80)
CONFIG = """<View><Image name="image" valueList="$images" smoothing="false"/>
  <BitmaskLabels name="pixels" toName="image"><Label value="fly"/></BitmaskLabels>
  <VectorLabels name="outline" toName="image" closable="true"><Label value="wing"/></VectorLabels>
  <VectorLabels name="pose" toName="image" skeleton="true" model_points="nose, neck, left: neck, right: neck">
    <Label value="fly"/><Label value="wasp"/></VectorLabels>
  <Labels name="kind" toName="image"><Label value="shadow"/></Labels><Bitmask name="bare" toName="image"/></View>"""


CONTROLS = parse(CONFIG).require()
PLACES = (0, 1)
"""Of the images in the task's list."""


def drawn(control: Control, place: int) -> list[Instance]:
    """What is on one image of the task."""
    box = (0.0, 0.0, 1.0, 1.0)
    if control.head is Head.POSE:
        bodies = ((20.0, "fly", control.labels), (80.0, "wasp", ("nose", "right")))
        return [
            Instance(label, box, 0.9, f"{label}{place}", keypoints=tuple(
                Keypoint(name, x + 9 * control.labels.index(name), 40.0 + 4 * place) for name in names
            ))
            for x, label, names in bodies
        ]  # fmt: skip
    mask = disk(*SIZE, 60 + 7 * place, 40, 11) & ~disk(*SIZE, 60, 40, 4)
    return [Instance(control.labels[0], box, 0.8, f"{control.from_name}{place}", mask=mask)]


def seen(result: list[dict[str, Any]], place: int) -> dict[str, list[Any]]:
    """{control: its instances on one image, by id}, as a micro-model would learn them."""
    page = number_of(1, place)
    found = {one.from_name: for_control(one).read(result_of(result, page, one), one, SIZE) for one in CONTROLS}
    assert [read.problems for read in found.values()] == [()] * len(CONTROLS)
    return {name: [plain(one) for one in sorted(read.instances, key=lambda i: i.label)] for name, read in found.items()}


def plain(one: Instance) -> Any:
    points = sorted((p.label, round(p.x, 2), round(p.y, 2)) for p in one.keypoints)
    mask = None if one.mask is None else one.mask.tobytes()
    return one.label, one.region_id, [round(edge, 2) for edge in one.box], points, mask


def make(studio: Studio, folder: Path) -> tuple[int, int]:
    """A project with one task of two images; the ids of both."""
    files = [folder / f"{place}.png" for place in PLACES]
    for place, file in zip(PLACES, files, strict=True):
        Image.fromarray(np.full((SIZE[1], SIZE[0], 3), 90 + 60 * place, np.uint8)).save(file)
    project = int(studio.create_project("tags of 1.23", CONFIG)["id"])
    [task] = studio.create_tasks(project, [{"images": studio.upload(project, files)}])
    return project, task


def submitted(studio: Studio, task: int) -> list[dict[str, Any]]:
    """What the task's one annotation holds."""
    [annotation] = until(lambda: studio.http.json("GET", f"api/tasks/{task}/")["annotations"], "the annotation")
    result: list[dict[str, Any]] = annotation["result"]
    return result


def test_what_is_written_comes_back_from_the_editor(studio: Studio, browser: Browser, tmp_path: Path) -> None:
    project, task = make(studio, tmp_path)
    shown = [
        item
        for place in PLACES
        for control in CONTROLS
        for item in indexed(for_control(control).write(drawn(control, place), control, SIZE), number_of(1, place))
    ]
    studio.import_predictions(project, [{"task": task, "result": shown, "score": 0.5, "model_version": "m"}])
    studio.set_project(project, model_version="m")

    browser.goto(f"/projects/{project}/data?task={task}")
    browser.find("canvas")
    kinds = browser.until(
        lambda: browser.driver.execute_script("return Htx.annotationStore.selected.regions.map(r => r.type)"),
        "the editor to hold the regions",
    )
    assert sorted(set(kinds)) == ["bitmaskregion", "vectorregion"]
    browser.screenshot("new-tags-with-prediction")
    browser.click_text("Submit", "button")
    result = submitted(studio, task)
    for place in PLACES:
        assert seen(result, place) == seen(shown, place)
        assert len(seen(shown, place)["pose"]) == 2
    tallies = compare(shown, result)
    assert sum(tally.accepted for tally in tallies.values()) == len({item["id"] for item in shown})
    assert sum(tally.actions for tally in tallies.values()) == 0


def test_what_a_hand_draws_is_read(studio: Studio, browser: Browser, tmp_path: Path) -> None:
    project, task = make(studio, tmp_path)
    draw(browser, project, task)
    result = submitted(studio, task)
    drawn_by_hand = seen(result, 0)
    assert not any(seen(result, 1).values())
    [(label, _, _, points, _)] = drawn_by_hand["pose"]
    assert label == "wasp"
    assert [name for name, *_ in points] == ["left", "neck", "nose"]
    x = {name: x for name, x, _ in points}
    assert x["neck"] - x["nose"] == pytest.approx(2 * (x["left"] - x["neck"]), rel=0.05)
    [(_, _, box, _, _)] = drawn_by_hand["pixels"]
    assert box[2] - box[0] > box[3] - box[1] > 1
    assert (len(drawn_by_hand["pose boxes"]), drawn_by_hand["outline"], drawn_by_hand["bare"]) == (1, [], [])


def draw(browser: Browser, project: int, task: int) -> None:
    """Draw a skeleton of three points and a stroke of a bitmask with mouse and keys, and submit."""
    browser.goto(f"/projects/{project}/data?task={task}")
    image = "window.Htx?.annotationStore?.selected?.objects[0]"
    browser.until(
        lambda: browser.driver.execute_script(f"return {image}?.currentImageEntity?.imageLoaded"), "the image"
    )
    time.sleep(1)  # the page moves while it opens
    hand = ActionChains(browser.driver)
    mouse = hand.w3c_actions.pointer_action
    left, top = browser.driver.execute_script(
        "const at = document.querySelector('canvas').getBoundingClientRect(); return [at.left, at.top]"
    )

    def press(*places: tuple[int, int]) -> None:
        """Press at the first place, let go at the last one."""
        for n, (x, y) in enumerate(places):
            mouse.move_to_location(round(left + x), round(top + y))
            if n == 0:
                mouse.pointer_down()
            mouse.pause(0.1)
        mouse.pointer_up()
        hand.perform()
        time.sleep(0.3)

    hand.send_keys("4").perform()
    for place in ((100, 200), (200, 200), (250, 300)):
        press(place)
    hand.send_keys(Keys.ESCAPE).send_keys("1").perform()
    press((400, 120), (520, 120))
    browser.screenshot("new-tags-drawn")
    browser.click_text("Submit", "button")
