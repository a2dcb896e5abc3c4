from dataclasses import replace
from typing import Any

import pytest

from backend.loop.review.efficiency import Efficiency, figures, held_out_scores
from backend.loop.review.rounds import promotions, round_at
from model_registry import GroupRecord, ReviewSummary, VersionRecord, VersionState

GROUP = GroupRecord(1, "clip", "r", tasks=110, labelled=5, doubt=0.2)


def drawn(n: int, labels: int = 1) -> ReviewSummary:
    return ReviewSummary(n, n, "clip", "1", 0, float(n), False, None, labels, 0, labels)


def reviewed(n: int, actions: int, score: float, round: int = 1, labels: int = 1) -> ReviewSummary:
    return ReviewSummary(n, n, "clip", "1", round, float(n), True, score, actions, max(labels - actions, 0), labels)


def version(
    id: int, finished: float | None, state: str = "serving", revision: int = 1, **metrics: Any
) -> VersionRecord:
    return VersionRecord(
        id, 1, "clip", metrics.pop("control", "label"), "detection", id, VersionState(state), None, "backbone",
        revision, 5, "f", metrics, {}, None, None, 1.0, metrics.pop("created", (finished or 0) - 1), finished,
    )  # fmt: skip


def test_an_empty_group() -> None:
    nothing = figures(GroupRecord(1, "clip", "r"), [], {})
    assert nothing == Efficiency((), 0, 0, 0, 0.0, None, None, nothing.advice)


def test_before_any_label_and_before_any_version() -> None:
    assert figures(replace(GROUP, labelled=0, doubt=None), [], {}).expected_actions_left is None
    waiting = figures(replace(GROUP, doubt=None), [drawn(n) for n in range(5)], {})
    assert (waiting.actions, waiting.labels, waiting.left) == (5, 5, 105)
    assert (waiting.expected_actions_left, waiting.efficiency, waiting.projected_500) == (None, None, None)


def test_after_the_first_labels_what_is_left_is_the_doubt() -> None:
    found = figures(GROUP, [drawn(n) for n in range(5)], {})
    assert found.expected_actions_left == pytest.approx(0.2 * 105)
    assert found.efficiency == pytest.approx(1 - (5 + 21) / 110)
    assert found.projected_500 == pytest.approx(1 - (5 + 0.2 * 495) / 500)


def test_frames_of_several_labels() -> None:
    found = figures(GROUP, [drawn(n, labels=4) for n in range(5)], {})
    assert found.expected_actions_left == pytest.approx(0.2 * 105 * 4)
    assert found.efficiency == pytest.approx(1 - (20 + 84) / 440)


def test_the_hardest_frames_reviewed_do_not_make_the_rest_look_as_bad() -> None:
    hard = [reviewed(n, actions=1, score=0.0) for n in range(5, 15)]
    found = figures(replace(GROUP, labelled=15, doubt=0.05), [drawn(n) for n in range(5)] + hard, {})
    assert found.expected_actions_left == pytest.approx(0.05 * 95)
    easy = [reviewed(n, actions=0, score=0.5) for n in range(5, 15)]
    found = figures(replace(GROUP, labelled=15, doubt=0.5), [drawn(n) for n in range(5)] + easy, {})
    assert found.expected_actions_left == pytest.approx(0.5 * 95 * 1 / 6)


def test_a_finished_group_is_counted_not_estimated() -> None:
    reviews = [drawn(n) for n in range(5)] + [reviewed(n, int(n == 7), 0.9) for n in range(5, 20)]
    found = figures(GroupRecord(1, "clip", "r", tasks=20, labelled=20), reviews, {})
    assert (found.actions, found.labels, found.left, found.expected_actions_left) == (6, 20, 0, 0.0)
    assert found.efficiency == 1 - 6 / 20


def test_a_video_is_predicted_although_it_has_keyframes_until_that_was_reviewed() -> None:
    video = GroupRecord(1, "task 1", "r", tasks=1, labelled=1, doubt=0.25)
    keyframes = replace(drawn(1), actions=5, labels=100)
    found = figures(video, [keyframes], {})
    assert (found.expected_actions_left, found.efficiency) == (25, 0.7)
    assert found.advice == "No prediction has been reviewed yet; about 25 actions are left."
    accepted = replace(reviewed(2, 2, 0.75, labels=100), task=1)
    found = figures(video, [keyframes, accepted], {})
    assert (found.actions, found.labels, found.expected_actions_left) == (7, 100, 0.0)
    assert found.efficiency == pytest.approx(0.93)


def test_a_large_group_is_projected_to_itself() -> None:
    found = figures(replace(GROUP, tasks=900), [drawn(n) for n in range(5)], {})
    assert found.projected_500 == found.efficiency


def test_frames_without_any_label() -> None:
    found = figures(GROUP, [drawn(n, labels=0) for n in range(5)], {})
    assert (found.efficiency, found.projected_500, found.expected_actions_left) == (None, None, 0.0)


def test_a_second_annotation_of_a_frame_costs_actions_but_makes_no_more_labels() -> None:
    found = figures(GROUP, [drawn(1), replace(drawn(2), task=1)], {})
    assert (found.actions, found.labels) == (2, 1)


def test_rounds() -> None:
    reviews = [drawn(1), drawn(2), reviewed(3, 1, 0.4), reviewed(4, 0, 0.5), reviewed(5, 0, 0.9, round=2, labels=3)]
    rounds = figures(GROUP, reviews, {1: 0.7}).rounds
    assert [(r.round, r.frames, r.labels, r.actions, r.accepted) for r in rounds] == [
        (0, 2, 2, 2, 0), (1, 2, 2, 1, 1), (2, 1, 3, 0, 3),
    ]  # fmt: skip
    assert [(r.efficiency, r.held_out_score) for r in rounds] == [(0, None), (0.5, 0.7), (1, None)]


def test_promotions_of_several_controls_on_the_same_labels_are_one_round() -> None:
    history = [
        version(5, None, "training", revision=3),
        version(4, 40.0, "rejected", revision=2),
        version(3, 30.0, revision=2, control="points"),
        version(2, 12.0, "superseded", control="points"),
        version(1, 10.0, "superseded"),
    ]
    served = promotions(history)
    assert served == [10.0, 30.0]
    assert [round_at(served, at) for at in (9.0, 10.0, 29.0, 31.0)] == [0, 1, 1, 2]


def test_held_out_scores_are_of_the_version_that_served_and_of_the_weakest_control() -> None:
    history = [
        version(1, 10.0, "superseded", revision=1, created=1.0),
        version(2, 20.0, "superseded", revision=2, created=15.0, unseen={"score": 0.8}),
        version(3, 20.5, "superseded", revision=2, created=15.0, control="points", unseen={"score": 0.6}),
        version(4, 30.0, "rejected", revision=3, created=25.0, unseen={"score": 0.9}),
        version(5, 40.0, "failed", revision=4, created=35.0, unseen=None),
    ]
    assert held_out_scores(history) == {1: 0.6, 2: 0.9}
