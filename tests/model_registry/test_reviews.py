from collections.abc import Callable
from typing import Any

import pytest

from model_registry import Registry, Review
from model_registry.reviewed import LONGEST_SECONDS
from tests.model_registry.conftest import label, task

COUNTS = {"accepted": 1, "moved": 2, "relabelled": 3, "added": 4, "deleted": 5, "labels": 6}
CAT = {"control": "boxes", "label": "cat", **COUNTS}
DOG = {"control": "boxes", "label": "dog", **dict.fromkeys(COUNTS, 1)}


def made(annotation: int, *tallies: dict[str, Any], at: float = 10.0, created: float = 5.0, round: int = 1) -> Review:
    return Review(annotation, at, "7", round, created, True, 0.25, tallies)


def waiting(registry: Registry, project: int = 1) -> list[tuple[str, int]]:
    return [(group, record.id) for group, record in registry.reviews.pending(project, 100)]


@pytest.fixture
def labelled(registry: Registry) -> Registry:
    registry.record_event(1, [task(1), task(2), task(3, "b")], [label(1, 1), label(2, 2), label(3, 3)], "r", None)
    return registry


def test_nothing(registry: Registry) -> None:
    assert registry.reviews.pending(1, 5) == []
    assert registry.reviews.of_project(1) == registry.reviews.of_group(1, "a") == registry.reviews.summaries(1) == []
    assert registry.reviews.record(1, []) == 0
    assert registry.reviews.record(1, [made(5, CAT)]) == 0


def test_a_label_waits_for_its_review_once(labelled: Registry) -> None:
    assert waiting(labelled) == [("a", 1), ("a", 2), ("b", 3)]
    assert [record.id for _, record in labelled.reviews.pending(1, 2)] == [1, 2]
    assert labelled.reviews.record(1, [made(1, CAT, DOG), made(3, CAT)]) == 2
    assert waiting(labelled) == [("a", 2)]


def test_what_is_recorded(labelled: Registry) -> None:
    labelled.reviews.record(1, [made(1, CAT, DOG), made(3, CAT, created=4.0)])
    cat, dog = labelled.reviews.of_group(1, "a")
    assert (cat.annotation, cat.task, cat.group, cat.label, cat.annotator, cat.round) == (1, 1, "a", "cat", "7", 1)
    assert (cat.accepted, cat.actions, cat.labels) == (1, 2 + 3 + 4 + 5, 6)
    assert (dog.label, dog.actions) == ("dog", 4)
    assert [one.annotation for one in labelled.reviews.of_project(1)] == [1, 1, 3]
    assert labelled.reviews.of_project(2) == labelled.reviews.of_group(2, "a") == []
    second, first = labelled.reviews.summaries(1)
    assert (second.annotation, first.annotation) == (3, 1), "the oldest first"
    assert (first.actions, first.accepted, first.labels, first.shown, first.score) == (18, 2, 7, True, 0.25)
    assert [one.annotation for one in labelled.reviews.summaries(1, "a")] == [1]


def test_a_review_of_an_older_state_is_not_taken(labelled: Registry) -> None:
    labelled.labels.record(1, [label(1, 1, value=9, at=11)])
    assert labelled.reviews.record(1, [made(1, CAT, at=10), made(2, CAT)]) == 1
    assert waiting(labelled) == [("a", 1), ("b", 3)]


def test_an_update_asks_for_another_review_and_its_figures_wait(labelled: Registry) -> None:
    labelled.reviews.record(1, [made(1, CAT)])
    labelled.labels.record(1, [label(1, 1, value=9, at=11)])
    assert labelled.reviews.of_group(1, "a") == []
    assert ("a", 1) in waiting(labelled)


def test_the_same_label_again_asks_for_nothing(labelled: Registry) -> None:
    labelled.reviews.record(1, [made(n, CAT) for n in (1, 2, 3)])
    labelled.labels.record(1, [label(1, 1)])
    assert waiting(labelled) == []


@pytest.mark.parametrize(
    "gone",
    [
        lambda registry: registry.labels.delete(1, [1]),
        lambda registry: registry.tasks.delete(1, [1]),
        lambda registry: registry.labels.record(1, [label(1, 1, at=11, skipped=True)]),
        lambda registry: registry.projects.delete(1),
    ],
)
@pytest.mark.parametrize("reviewed", [True, False])
def test_a_review_goes_with_its_label(labelled: Registry, gone: Callable[[Registry], object], reviewed: bool) -> None:
    if reviewed:
        labelled.reviews.record(1, [made(1, CAT)])
    gone(labelled)
    assert labelled.reviews.of_group(1, "a") == []
    assert ("a", 1) not in waiting(labelled)


def test_a_label_whose_task_comes_later_waits_for_it(registry: Registry) -> None:
    registry.labels.record(1, [label(1, 1)])
    assert waiting(registry) == []
    registry.tasks.upsert(1, [task(1)], "r")
    assert waiting(registry) == [("a", 1)]


def test_a_label_that_comes_back_is_reviewed_again(labelled: Registry) -> None:
    labelled.reviews.record(1, [made(1, CAT)])
    labelled.labels.delete(1, [1])
    labelled.labels.record(1, [label(1, 1, at=1001)])
    assert ("a", 1) in waiting(labelled)


def test_a_task_takes_its_reviews_to_another_group(labelled: Registry) -> None:
    labelled.reviews.record(1, [made(1, CAT)])
    labelled.tasks.upsert(1, [task(1, "c")], "r")
    assert labelled.reviews.of_group(1, "a") == []
    assert [one.group for one in labelled.reviews.of_group(1, "c")] == ["c"]


def test_who_did_what_in_what_time(registry: Registry) -> None:
    labels = [label(1, 1, lead_time=12.5), label(2, 2, lead_time=99_999.0), label(3, 3), label(4, 1, lead_time="long")]
    registry.record_event(1, [task(1), task(2), task(3, "b")], labels, "r", None)
    registry.reviews.record(1, [made(n, CAT) for n in (1, 2, 3, 4)])
    [work] = registry.reviews.by_annotator(1)
    assert (work.annotator, work.tasks, work.actions, work.labels) == ("7", 3, 4 * 14, 4 * 6)
    assert work.seconds == 12.5 + LONGEST_SECONDS, "a page that was left open counts ten minutes"
    assert registry.reviews.seconds(1, "a") == {1: 12.5, 2: LONGEST_SECONDS, 4: 0.0}
    assert registry.reviews.seconds(1, "b") == {3: 0.0}
    assert registry.reviews.by_annotator(2) == []
