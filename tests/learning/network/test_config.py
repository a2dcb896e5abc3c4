from dataclasses import dataclass

import pytest

from backend.errors import TrainingError
from backend.learning.network.config import fields_of, to_metadata
from backend.types import Head


@dataclass(frozen=True)
class Plan:
    labels: tuple[str, ...]
    poses: tuple[tuple[float, ...], ...]
    sizes: dict[str, tuple[int, ...]]


PLAN = Plan(("a", "b"), ((0.5, 1.0), ()), {"mask": (1, 2)})


def test_fields_come_back_as_they_were() -> None:
    assert Plan(**fields_of(to_metadata(Head.POSE, "1", PLAN), Head.POSE, "1")) == PLAN


@pytest.mark.parametrize(
    ("changes", "found"),
    [({"format": "2"}, "head pose, format 2"), ({"head": "detection"}, "head detection, format 1")],
)
def test_another_head_or_format_is_refused_with_what_was_found(changes: dict[str, str], found: str) -> None:
    with pytest.raises(TrainingError, match=f"{found}; expected pose, format 1: train this group again"):
        fields_of({**to_metadata(Head.POSE, "1", PLAN), **changes}, Head.POSE, "1")


@pytest.mark.parametrize("metadata", [{}, {"format": "1", "head": "pose"}])
def test_metadata_without_a_config_is_refused(metadata: dict[str, str]) -> None:
    with pytest.raises(TrainingError, match="train this group again"):
        fields_of(metadata, Head.POSE, "1")
