"""Choices that the editor shows only beside certain others (`visibleWhen`)."""

import copy
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from backend.loop.data.frames import FrameStore
from backend.loop.data.training_set import build_training_set
from backend.loop.review.compare import compare
from backend.loop.review.reviewing import review_pending
from tests.loop.house import House

CONFIG = """<View>
  <Image name="image" value="$image"/>
  <Choices name="c" toName="image"><Choice value="square"/><Choice value="disc"/></Choices>
  <View visibleWhen="choice-selected" whenTagName="c" whenChoiceValue="disc">
    <Choices name="w" toName="image"><Choice value="square"/><Choice value="disc"/></Choices>
  </View>
</View>"""


def choice(control: str, value: str) -> dict[str, Any]:
    item = {"id": control * 5, "from_name": control, "to_name": "image", "type": "choices"}
    return {**item, "value": {"choices": [value]}}


@pytest.fixture
def house(tmp_path: Path, quick: None) -> Iterator[House]:
    house = House(tmp_path)
    house.add_project(config=CONFIG)
    for task in range(1, 7):
        house.add_task(task)
    yield house
    house.registry.close()


def test_accepting_a_frame_in_which_a_control_is_hidden_is_no_action(house: House) -> None:
    for task in (1, 2):
        house.label(task, [choice("c", "square")])
    house.work()
    number, shown = next((n, p) for n, p in house.studio.predictions.items() if p["task"] == 3)
    assert [item["from_name"] for item in shown["result"]] == ["c"]
    house.label(3, copy.deepcopy(shown["result"]), parent_prediction=number)
    house.now += 100
    review_pending(house.services, 1)
    [summary] = [one for one in house.registry.reviews.summaries(1, "clip") if one.task == 3]
    assert (summary.actions, summary.accepted) == (0, 1)


def test_what_a_changed_choice_hides_was_deleted_by_nobody() -> None:
    shown, result = [choice("c", "disc"), choice("w", "square")], [choice("c", "square")]
    tallies = compare(shown, result, hidden=frozenset({"w"}))
    assert sum(one.actions for one in tallies.values()) == 1
    assert sum(one.actions for one in compare(shown, result).values()) == 2


def test_frames_in_which_a_control_is_hidden_teach_it_nothing(house: House) -> None:
    house.label(1, [choice("c", "square")])
    house.label(2, [choice("c", "disc"), choice("w", "disc")])
    project = house.registry.projects.seen(1)
    tasks, labels = house.registry.tasks.of_group(1, "clip"), house.registry.labels.of_group(1, "clip")
    frames = FrameStore(house.services.media(project), 10)
    learnt = {
        c.from_name: build_training_set(c, tasks, labels, frames).learnt
        for c in house.services.config(project).controls
    }
    assert learnt == {"c": {1, 2}, "w": {2}}
