"""Control tags of Label Studio 1.23 in its real editor: what we write is shown, and comes back as it was."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from backend.loop.data.pages import indexed, label_of, number_of
from backend.loop.review.compare import compare
from backend.studio.client import Studio
from backend.studio.labeling_config import parse
from backend.studio.tags import for_control
from backend.types import Control, Head, Instance, Keypoint
from model_registry import LabelRecord
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


def seen(controls: tuple[Control, ...], result: list[dict[str, Any]], place: int) -> dict[str, list[Any]]:
    """{control: its instances on one image, by id}, as a micro-model would learn them."""
    page = label_of(LabelRecord(1, 1, 1, result), number_of(1, place))
    found = {control.from_name: for_control(control).read(page.result, control, SIZE) for control in controls}
    assert [read.problems for read in found.values()] == [()] * len(controls)
    return {name: [plain(one) for one in sorted(read.instances, key=lambda i: i.label)] for name, read in found.items()}


def plain(one: Instance) -> Any:
    points = sorted((p.label, round(p.x, 2), round(p.y, 2)) for p in one.keypoints)
    mask = None if one.mask is None else one.mask.tobytes()
    return one.label, one.region_id, [round(edge, 2) for edge in one.box], points, mask


def test_what_is_written_comes_back_from_the_editor(studio: Studio, browser: Browser, tmp_path: Path) -> None:
    controls = parse(CONFIG).require()
    files = [tmp_path / f"{n}.png" for n in range(2)]
    for n, file in enumerate(files):
        Image.fromarray(np.full((SIZE[1], SIZE[0], 3), 90 + 60 * n, np.uint8)).save(file)
    project = int(studio.create_project("tags of 1.23", CONFIG)["id"])
    [task] = studio.create_tasks(project, [{"images": studio.upload(project, files)}])
    shown = [
        item
        for place in range(len(files))
        for control in controls
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
    browser.find_text("Submit", "button").click()
    [annotation] = until(lambda: studio.http.json("GET", f"api/tasks/{task}/")["annotations"], "the annotation")
    result = annotation["result"]
    for place in range(len(files)):
        assert seen(controls, result, place) == seen(controls, shown, place)
        assert len(seen(controls, shown, place)["pose"]) == 2
    tallies = compare(shown, result)
    assert sum(tally.accepted for tally in tallies.values()) == len({item["id"] for item in shown})
    assert sum(tally.actions for tally in tallies.values()) == 0
