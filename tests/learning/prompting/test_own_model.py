"""Which box, and which points, of a micro-model's a prompt means."""

from types import SimpleNamespace
from typing import Any, cast

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.learning.detection.micro_model import DetectionModel
from backend.learning.prompting import own_model, pick
from backend.types import Box, Frame, Instance, Prompt

FRAME = Frame(1, np.zeros((100, 200, 3), np.uint8), 200, 100)
LEFT, RIGHT = (10.0, 10.0, 50.0, 60.0), (90.0, 20.0, 150.0, 80.0)


def seeing(*found: tuple[Box, float]) -> DetectionModel:
    """A micro-model that sees boxes with scores."""
    boxes = np.array([box for box, _ in found], np.float32).reshape(-1, 4)
    candidates = SimpleNamespace(
        boxes=boxes, scores=np.array([score for _, score in found]), classes=np.zeros(len(found), int)
    )
    model: Any = SimpleNamespace(
        labels=("cat",), candidates_of=lambda _: SimpleNamespace(candidates=candidates), refiner=None
    )
    return cast(DetectionModel, model)


def ask(model: DetectionModel, prompt: Prompt, *predicted: Instance, label: str = "cat") -> Instance | None:
    return own_model.candidate(model, FRAME, prompt, label, predicted)


def test_the_box_under_the_prompt_is_meant() -> None:
    model = seeing((LEFT, 1.0), (RIGHT, 0.2))
    for prompt in (Prompt(box=(85, 15, 155, 85)), Prompt(inside=((120, 50),))):
        found = ask(model, prompt)
        assert found is not None
        assert pick.overlap(found.box, RIGHT) > 0.8
    assert ask(model, Prompt(box=(160, 0, 199, 19))) is None
    assert ask(model, Prompt(inside=((30, 30),)), label="dog") is None


def test_as_its_neighbours_in_time_place_it() -> None:
    moved = (94.0, 22.0, 154.0, 82.0)
    shown = Instance("cat", moved, 1.0)
    found = ask(seeing((LEFT, 0.9), (RIGHT, 0.9)), Prompt(inside=((120, 50),)), shown, Instance("dog", RIGHT))
    assert found is not None
    assert found.box == moved
    alone = ask(seeing(), Prompt(box=RIGHT), shown)
    assert alone is not None
    assert alone.box == moved, "certain: what was drawn changes nothing"


def test_what_is_predicted_elsewhere_is_another_object() -> None:
    found = ask(seeing((RIGHT, 1.0)), Prompt(inside=((120, 50),)), Instance("cat", LEFT, 1.0))
    assert found is not None
    assert found.box == RIGHT


@given(st.floats(0.01, 1), st.tuples(*[st.floats(-8, 8)] * 4))
def test_the_less_certain_a_box_is_the_more_it_leans_towards_the_drawn_one(
    score: float, moved: tuple[float, ...]
) -> None:
    drawn = tuple(edge + by for edge, by in zip(RIGHT, moved, strict=True))
    found = ask(seeing((RIGHT, score)), Prompt(box=(drawn[0], drawn[1], drawn[2], drawn[3])))
    assert found is not None
    share = own_model.DRAWN_BOX_SHARE * (1 - score)
    expected = [(1 - share) * mine + share * other for mine, other in zip(RIGHT, drawn, strict=True)]
    assert found.box == pytest.approx(expected, abs=1e-4)


def test_the_chosen_box_is_looked_at_once_more() -> None:
    model: Any = seeing((RIGHT, 1.0))
    near, looked = (91.0, 21.0, 149.0, 79.0), list[Box]()
    model.config, model.refiner = None, SimpleNamespace(refined_box=lambda box, *_: (looked.append(box), near)[1])
    for prompt in (Prompt(box=(85, 15, 155, 85)), Prompt(inside=((120, 50),))):
        found = ask(model, prompt)
        assert found is not None
        assert found.box == near
    assert looked == [RIGHT, RIGHT]
