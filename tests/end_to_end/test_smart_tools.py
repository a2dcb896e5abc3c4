"""Auto-Annotation as an annotator uses it: a tool is drawn with the mouse, the suggestion accepted and submitted."""

from typing import Any

import numpy as np
import pytest
from selenium.webdriver.common.action_chains import ActionChains

from backend.demo.annotator import Annotator
from backend.demo.data_set import DataSet, big_buck_bunny
from backend.learning.prompting.pick import iou
from backend.studio.labeling_config import parse
from backend.studio.tags import for_control
from backend.types import Head, Mask
from tests.end_to_end.browser import Browser
from tests.end_to_end.conftest import BackendFactory
from tests.end_to_end.work import until

pytestmark = [pytest.mark.slow, pytest.mark.label_studio, pytest.mark.browser]

CONFIG = """<View><Image name="image" value="$image"/>
  <BrushLabels name="mask" toName="image" smart="false"><Label value="bunny"/></BrushLabels>
  <RectangleLabels name="box" toName="image" smart="BOX"><Label value="bunny"/></RectangleLabels>
  <KeyPointLabels name="click" toName="image" smart="CLICK"><Label value="bunny"/></KeyPointLabels></View>"""
SUGGESTIONS = "[...Htx.annotationStore.selected.suggestions.values()].map(s => ({id: s.id, type: s.type}))"
SELECTED = "Htx.annotationStore.selected.names.get('image').getToolsManager().findSelectedTool()"
REGIONS = "Htx.annotationStore.selected.regions.map(r => ({id: r.id, type: r.type}))"


@pytest.fixture(scope="module")
def bunny(tmp_path_factory: pytest.TempPathFactory) -> DataSet:
    return big_buck_bunny(tmp_path_factory.mktemp("bunny"), Head.SEGMENTATION)


class Editor:
    """The labeling page of one task."""

    def __init__(self, browser: Browser, project: int, task: int) -> None:
        self.browser = browser
        browser.goto(f"/projects/{project}/data?task={task}")
        browser.find("canvas")
        browser.until(lambda: self.run("Htx.annotationStore.selected.names.get('image').currentImageEntity.imageLoaded"),
                      "the picture to be loaded")  # fmt: skip

    def run(self, expression: str) -> Any:
        return self.browser.driver.execute_script(f"return {expression}")

    def begin(self, tool: str) -> None:
        """Switch Auto-Annotation on, and take a tool with its label."""
        if not self.run("Htx.autoAnnotation"):
            self.browser.click(".lsf-dynamic-preannotations label")
        self.browser.until(lambda: self.run("Htx.autoAnnotation"), "Auto-Annotation to be on")
        self.browser.click(".lsf-label", {"box": 1, "click": 2}[tool])
        self.browser.click(".lsf-tool_smart")
        self.browser.until(
            lambda: self.run(f"(tool => tool && tool.dynamic && tool.control.name)({SELECTED})") == tool,
            f"the smart tool of {tool!r} to be taken",
        )

    def pixel(self, x: float, y: float) -> tuple[int, int]:
        """Where a place of the picture, in shares of its sides, is on the page."""
        stage = self.run(
            "(() => { const r = Htx.annotationStore.selected.names.get('image').stageRef.container()"
            ".getBoundingClientRect(); const i = Htx.annotationStore.selected.names.get('image');"
            " return [r.x, r.y, i.stageWidth, i.stageHeight]; })()"
        )
        return round(stage[0] + x * stage[2]), round(stage[1] + y * stage[3])

    def drag(self, start: tuple[float, float], end: tuple[float, float] | None = None) -> None:
        """The mouse pressed at one place and let go at another, or at the same."""
        chain = ActionChains(self.browser.driver)
        chain.w3c_actions.pointer_action.move_to_location(*self.pixel(*start))
        chain.w3c_actions.pointer_action.pointer_down()
        if end is not None:
            for share in (0.3, 0.7, 1.0):
                middle = tuple(a + share * (b - a) for a, b in zip(start, end, strict=True))
                chain.w3c_actions.pointer_action.move_to_location(*self.pixel(middle[0], middle[1]))
        chain.w3c_actions.pointer_action.pointer_up()
        chain.perform()

    def suggestion(self) -> dict[str, Any]:
        """The one that appears."""
        found = self.browser.until(lambda: self.run(SUGGESTIONS), "a suggestion", 120)
        assert len(found) == 1
        return dict(found[0])

    def accept(self) -> None:
        self.browser.click('[data-testid="bottombar-accept-suggestions-button"]')
        self.browser.until(lambda: not self.run(SUGGESTIONS), "the suggestion to be accepted")

    def submit(self) -> None:
        self.browser.click_text("Submit", "button")
        self.browser.until(lambda: self.run("Boolean(Htx.annotationStore.selected.pk)"), "the annotation to be stored")


def truth(data_set: DataSet, position: int) -> Mask:
    masks = [one.mask for one in data_set.frames[position].truth or () if one.mask is not None]
    return np.asarray(np.logical_or.reduce(masks))


def ends(mask: Mask) -> tuple[tuple[float, float], tuple[float, float]]:
    """The corners of the box around a mask, in shares of the sides."""
    rows, columns = np.flatnonzero(mask.any(1)), np.flatnonzero(mask.any(0))
    height, width = mask.shape
    return (columns[0] / width, rows[0] / height), ((columns[-1] + 1) / width, (rows[-1] + 1) / height)


@pytest.mark.parametrize("tool", ["box", "click"])
def test_what_is_drawn_becomes_one_region_that_is_submitted(
    tool: str, person: Annotator, backend: BackendFactory, browser: Browser, bunny: DataSet
) -> None:
    config = CONFIG.replace("BOX", str(tool == "box").lower()).replace("CLICK", str(tool == "click").lower())
    server, project = backend(MICRO_MODELS_EFFORT="0.1"), person.create_project(f"smart {tool}", config)
    position = next(p for p, frame in enumerate(bunny.frames) if frame.truth)
    few = DataSet("bunny", bunny.width, bunny.height, bunny.classes, bunny.frames[position : position + 3])
    tasks, mask = person.upload(project, few), truth(bunny, position)
    server.connect(project)
    assert [row["is_interactive"] for row in person.studio.backends(project)] == [True]
    editor = Editor(browser, project, tasks[0])
    editor.begin(tool)
    start, end = ends(mask)
    if tool == "box":
        editor.drag(start, end)
    else:
        editor.drag(((start[0] + end[0]) / 2, (start[1] + end[1]) / 2))
    assert editor.suggestion()["type"] == "brushregion"
    browser.screenshot(f"smart-{tool}")
    editor.accept()
    [region] = editor.run(REGIONS)
    assert region["type"] == "brushregion", "the drawn prompt is gone, the object is there"
    browser.screenshot(f"smart-{tool}-accepted")
    editor.submit()
    [annotation] = until(lambda: person.studio.http.json("GET", f"api/tasks/{tasks[0]}/annotations/"), "it", 120)
    control = parse(config).controls[0]
    [found] = for_control(control).read(annotation["result"], control, (bunny.width, bunny.height)).instances
    assert found.label == "bunny"
    assert found.mask is not None
    on_it = float((found.mask & mask).sum() / found.mask.sum())
    # One click without a label may well mean a part of the bunny.
    assert iou(found.mask, mask) > 0.5 if tool == "box" else on_it > 0.5
    until(lambda: any(g["labelled"] == 1 for g in server.status(project)["groups"]), "the label to be known", 120)
