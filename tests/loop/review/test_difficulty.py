import re
from typing import Any

import numpy as np
import pytest

from backend.loop.review.difficulty import difficulty, examples
from backend.types import Frame, Instance, LabeledFrame
from model_registry import VersionRecord, VersionState

PIXELS = np.zeros((1, 1, 3), np.uint8)


def version(number: int, score: float | None, control: str = "label", **about: Any) -> VersionRecord:
    quality = None if score is None else {"measure": "F1", "frames": 10, "score": score}
    metrics = {"unseen": quality, **({"examples": about} if about else {})}
    return VersionRecord(
        number, 1, "clip", control, "detection", number, VersionState.SERVING, None, "backbone", 1, 5, "f", metrics, {},
        None, None, 1.0, 0.0, 1.0,
    )  # fmt: skip


def newest_first(*scores: float | None, **about: Any) -> list[VersionRecord]:
    return [version(number, score, **about) for number, score in reversed(list(enumerate(scores)))]


@pytest.mark.parametrize(
    "scores", [(), (None,), (None, 0.2), (0.2, 0.9), (0.9, 0.2), (None, 0.5, 0.49), (0.1, 0.1, 0.8, 0.7)]
)
def test_nothing_is_said_of_what_works_or_is_new(scores: tuple[float | None, ...]) -> None:
    assert difficulty(newest_first(*scores), 0.9) is None


def test_nothing_is_said_where_all_other_frames_are_sure() -> None:
    assert difficulty(newest_first(0.1, 0.2), 0.1) is None


@pytest.mark.parametrize(
    ("about", "said"),
    [
        ({}, "differ too much"),
        ({"labels": {"car": 12}, "side": 40.0}, "differ too much"),
        ({"labels": {"car": 12, "bus": 1, "van": 2}, "side": 4.0}, '"bus" is labelled once only'),
        ({"labels": {"car": 2}, "side": 40.0}, '"car" is labelled twice only'),
        ({"labels": {"car": 12}, "side": 6.2}, "about 6 pixels"),
        ({"labels": {"": 2}, "side": None}, "differ too much"),
    ],
)
def test_it_is_said_why_and_what_to_do(about: dict[str, Any], said: str) -> None:
    found = difficulty(newest_first(None, 0.31, 0.42, **about), 0.6)
    assert found is not None
    assert "0.42" in found
    assert re.search(said, found)


def test_versions_without_the_figures_of_older_releases_are_told_of_too() -> None:
    assert difficulty(newest_first(0.2, 0.2), None) is not None


def test_each_control_counts_by_itself() -> None:
    history = [version(3, 0.2, "a"), version(2, 0.9, "b"), version(1, 0.2, "b"), version(0, None, "a")]
    assert difficulty(history, 0.9) is None


def test_examples() -> None:
    boxes = [("car", (0, 0, 10, 10)), ("car", (5, 5, 9, 14)), ("bus", (0, 0, 40, 10))]
    frame = LabeledFrame(Frame(1, PIXELS, 64, 64), tuple(Instance(label, box) for label, box in boxes))
    assert examples([frame]) == {"labels": {"car": 2, "bus": 1}, "side": 10.0}
    assert examples([]) == {"labels": {}, "side": None}
