import threading
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from backend.hooks import MicroModelBackend
from backend.loop.predict.on_demand import Predictor
from backend.loop.predict.prompted import Prompter
from backend.studio import tags
from backend.studio.labeling_config import parse
from tests.loop.house import House, box_of, square_of

CONFIG = (
    '<View><Image name="image" value="$image"/>'
    '<BrushLabels name="mask" toName="image"><Label value="square"/><Label value="disc"/></BrushLabels>'
    '<KeyPointLabels name="click" toName="image" smart="true"><Label value="square"/><Label value="disc"/></KeyPointLabels>'
    '<RectangleLabels name="label" toName="image" smart="true"><Label value="square"/><Label value="disc"/></RectangleLabels>'
    "</View>"
)
BOXES = (
    '<View><Image name="image" value="$image"/><RectangleLabels name="label" toName="image" smart="true">'
    '<Label value="square"/></RectangleLabels></View>'
)
NOTHING = {"result": [], "score": 0.0}


def click(task: int, label: str = "square", positive: bool = True) -> dict[str, Any]:
    x0, y0, x1, y1 = square_of(task)
    value = {"x": (x0 + x1) / 1.28, "y": (y0 + y1) / 0.96, "width": 0.5, "keypointlabels": [label]}
    common = {"id": "click", "from_name": "click", "to_name": "image", "type": "keypointlabels"}
    return {**common, "is_positive": positive, "value": value}


class Asked:
    """A project in which somebody draws."""

    def __init__(self, folder: Path, config: str = CONFIG, **settings: Any) -> None:
        self.house, self.config = House(folder, **settings), config
        self.house.add_project(config=config)
        for task in (1, 2, 3):
            self.house.add_task(task)
        self.predictor = Predictor(self.house.services)

    def ask(self, task: int, *items: dict[str, Any], **context: Any) -> dict[str, Any]:
        backend = MicroModelBackend(self.house.services, self.predictor, 1, self.config)
        tasks = [{"id": task, "data": self.house.studio.rows[task]["data"]}]
        [answer] = backend.predict(tasks, {"result": list(items), **context})
        assert isinstance(answer, dict)
        return answer


def overlap(items: list[dict[str, Any]], task: int) -> float:
    """IoU of an answer with the task's square."""
    control = parse(CONFIG).control(items[0]["from_name"])
    assert control is not None
    [instance] = tags.for_control(control).read(items, control, (64, 48)).instances
    x0, y0, x1, y1 = square_of(task)
    truth = np.zeros((48, 64), bool)
    truth[y0:y1, x0:x1] = True
    found = instance.mask
    if found is None:
        found = np.zeros((48, 64), bool)
        found[tuple(slice(round(instance.box[k]), round(instance.box[k + 2])) for k in (1, 0))] = True
    return float((truth & found).sum() / (truth | found).sum())


@pytest.mark.parametrize("prompt", [box_of(2)[0], click(2)], ids=["box", "click"])
def test_one_prompt_is_answered_by_one_region_with_the_chosen_label(tmp_path: Path, prompt: dict[str, Any]) -> None:
    answer = Asked(tmp_path).ask(2, prompt)
    [item] = answer["result"]
    assert (item["from_name"], item["type"], item["value"]["brushlabels"]) == ("mask", "brushlabels", ["square"])
    assert item["id"] != prompt["id"]
    assert item["meta"] == {"text": ["colours and features"]}
    assert overlap([item], 2) > 0.7
    assert answer["model_version"] == "micro-models"


def test_what_the_group_predicts_does_not_come_with_it(tmp_path: Path, quick: None) -> None:
    asked = Asked(tmp_path, BOXES)
    asked.house.label(1)
    asked.house.work()
    around = [dict(item) for item in box_of(2)]
    around[0]["value"] = {**around[0]["value"], "width": around[0]["value"]["width"] * 1.4}
    [item] = asked.ask(2, *around)["result"]
    assert item["meta"] == {"text": ["the group's micro-model"]}
    assert overlap([item], 2) == 1.0, "it is the object, and not what was drawn"
    beside = {**box_of(2)[0], "value": {"x": 80, "y": 80, "width": 15, "height": 15, "rectanglelabels": ["square"]}}
    for item in asked.ask(2, beside)["result"]:
        assert item["meta"] != {"text": ["the group's micro-model"]}, "it knows none there"


def test_the_empty_request_after_a_submit_and_other_events_change_nothing(tmp_path: Path) -> None:
    asked = Asked(tmp_path)
    assert asked.ask(1) == NOTHING
    assert asked.ask(1, click(1), event="track") == NOTHING


@pytest.mark.parametrize(
    "item",
    [
        click(1, label="unknown"),
        click(1, positive=False),
        {**click(1), "from_name": "nobody"},
        {**click(1), "value": {"x": 150, "y": 150, "width": 1, "keypointlabels": ["square"]}},
        {**click(1), "value": None},
        {"type": "keypointlabels"},
    ],
)
def test_what_cannot_be_answered_changes_nothing(tmp_path: Path, item: dict[str, Any]) -> None:
    assert Asked(tmp_path).ask(1, item) == NOTHING


def test_a_broken_image_a_missing_one_and_none_change_nothing(tmp_path: Path) -> None:
    asked = Asked(tmp_path)
    (asked.house.media / "1.png").write_bytes(b"no image")
    (asked.house.media / "2.png").unlink()
    asked.house.studio.rows[3]["data"] = {}
    assert [asked.ask(task, click(task)) for task in (1, 2, 3)] == [NOTHING] * 3


def test_a_group_or_project_that_is_gone_does_no_harm(tmp_path: Path) -> None:
    asked = Asked(tmp_path)
    asked.house.send("TASKS_DELETED", tasks=[{"id": 1}])
    assert len(asked.ask(1, click(1))["result"]) == 1, "the picture is still there"
    backend = MicroModelBackend(asked.house.services, asked.predictor, 7, CONFIG)
    assert backend.predict([{"id": 1, "data": {}}], {"result": [click(1)]}) == [NOTHING]


def test_a_mistake_of_ours_is_no_error_of_the_editor(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from backend.learning.prompting import fallback_chain

    def broken(*_: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(fallback_chain, "answer", broken)
    assert Asked(tmp_path).ask(1, click(1)) == NOTHING


def test_nobody_draws_in_several_tasks(tmp_path: Path) -> None:
    asked = Asked(tmp_path)
    backend = MicroModelBackend(asked.house.services, asked.predictor, 1, CONFIG)
    tasks = [{"id": task, "data": asked.house.studio.rows[task]["data"]} for task in (1, 2)]
    assert backend.predict(tasks, {"result": [click(1)]}) == [NOTHING] * 2
    assert backend.predict([], {"result": [click(1)]}) == []


def test_what_was_drawn_nearby_in_time_is_carried_here(tmp_path: Path) -> None:
    asked = Asked(tmp_path)
    control = parse(CONFIG).control("mask")
    assert control is not None
    x0, y0, x1, y1 = square_of(1)
    mask = np.zeros((48, 64), bool)
    mask[y0:y1, x0:x1] = True
    from backend.types import Instance

    drawn = tags.for_control(control).write([Instance("square", (x0, y0, x1, y1), mask=mask)], control, (64, 48))
    asked.house.label(1, drawn)
    [item] = asked.ask(2, box_of(2)[0])["result"]
    assert item["meta"]["text"][0] in ("the nearest labelled frame", "colours and features")
    assert overlap([item], 2) > 0.6


def test_a_group_that_is_deleted_meanwhile_does_no_harm(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from backend.learning.prompting import fallback_chain

    asked, answered = Asked(tmp_path), fallback_chain.answer

    def deleted(*args: Any) -> Any:
        found = answered(*args)
        asked.house.registry.projects.delete(1)
        return found

    monkeypatch.setattr(fallback_chain, "answer", deleted)
    answer = asked.ask(1, click(1))
    assert asked.house.registry.projects.get(1) is None, "it was deleted while somebody waited"
    assert len(answer["result"]) <= 1
    assert asked.ask(1, click(1)) == NOTHING


def test_a_control_that_no_micro_model_serves_has_no_answer(tmp_path: Path) -> None:
    config = CONFIG.replace("BrushLabels", "CubeLabels").replace('name="label"', 'name="other"')
    assert Asked(tmp_path, config).ask(1, box_of(1)[0]) == NOTHING


@pytest.mark.parametrize(
    "data", [{"image": 3}, {"image": None}, {"image": ["a"]}, {"image": "/etc/passwd"}, {"image": "ftp://x/y"}]
)
def test_what_is_no_address_of_a_picture_has_no_answer(tmp_path: Path, data: dict[str, Any]) -> None:
    asked = Asked(tmp_path)
    asked.house.studio.rows[1]["data"] = data
    assert asked.ask(1, click(1)) == NOTHING


def test_what_the_first_prompt_needs_is_loaded_when_the_editor_is_opened(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked, loaded = Asked(tmp_path), list[str]()
    monkeypatch.setattr(Prompter, "_load_backbone", lambda self: loaded.append(threading.current_thread().name))
    plain = MicroModelBackend(asked.house.services, asked.predictor, 1, CONFIG.replace("smart", "x"))
    assert plain.setup_project() == "micro-models"
    assert loaded == [], "nobody draws with smart tools there"
    for _ in range(3):  # Label Studio does it with each task
        MicroModelBackend(asked.house.services, asked.predictor, 1, CONFIG).setup_project()
    for thread in threading.enumerate():
        if thread.name == "warm-up":
            thread.join(20)
    assert loaded == ["warm-up"]
