from dataclasses import replace

import pytest

from backend.loop.pages.headline import Turn, headline
from backend.loop.review.efficiency import Efficiency
from model_registry import GroupRecord, GroupState

GROUP = GroupRecord(1, "clip", "r", tasks=10, labelled=5, wanted=5, trained=5, published=5, trained_labels=5, doubt=0.2)
STANDING = Efficiency((), 5, 5, 5, 1.0, None, None, "Go on.", reviewed=2)


def said(
    state: GroupState = "idle", group: GroupRecord = GROUP, expects: str | None = None, turn: Turn | None = None,
    proposed: str = "", standing: Efficiency = STANDING,
) -> str:  # fmt: skip
    return headline(group, state, standing, expects, turn, proposed)


def test_nothing_labelled_says_how_to_begin() -> None:
    assert said(group=replace(GROUP, labelled=0, doubt=None), standing=replace(STANDING, advice="Begin.")) == "Begin."


def test_what_others_propose_is_named() -> None:
    assert "comes from clip-2 v1" in said(group=replace(GROUP, labelled=0), proposed="clip-2 v1")


def test_the_first_training_says_when_it_ends() -> None:
    first = replace(GROUP, trained_labels=0, doubt=None)
    assert said("training", first, "5 labels are there, first version in about 40 s") == (
        "The first training runs: 5 labels are there, first version in about 40 s."
    )
    assert said("training", GROUP, None) == "It trains."


@pytest.mark.parametrize(
    ("turn", "why"),
    [
        (Turn(0, 4.2), "Training starts 4 s after"),
        (Turn(1, None), "1 other group is trained first."),
        (Turn(3, None), "3 other groups are trained first."),
        (Turn(0, None), "It is next."),
        (None, "New labels wait: 7 are there."),
    ],
)
def test_a_queued_group_says_why_it_waits(turn: Turn | None, why: str) -> None:
    assert why in said("queued", expects="7 are there", turn=turn)


def test_predictions_that_nobody_has_seen_come_before_advice() -> None:
    unseen = replace(STANDING, reviewed=0)
    assert said(standing=unseen).startswith("The other 5 frames have predictions.")
    assert said(standing=replace(unseen, left=1)).startswith("The other frame has a prediction.")
    assert said() == "Go on."


def test_a_finished_group_is_done() -> None:
    assert (
        said(group=replace(GROUP, labelled=10), standing=replace(STANDING, left=0)) == "Done: every frame is labelled."
    )


def test_a_whole_video_is_never_called_done() -> None:
    video = replace(STANDING, left=0, whole_videos=True, advice="Open the task.")
    assert said(group=replace(GROUP, tasks=1, labelled=1), standing=video) == "Open the task."


def test_a_failure_and_publishing() -> None:
    assert said("failed").startswith("The last training failed.")
    assert "being predicted" in said("publishing")
