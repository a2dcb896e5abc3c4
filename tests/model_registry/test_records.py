from dataclasses import replace

import pytest

from model_registry import GroupRecord

NOW = 100.0
IDLE = GroupRecord(1, "a", "r", wanted=3, trained=3, published=3)
LEASED = replace(IDLE, lease_owner="me", lease_until=NOW + 1)


@pytest.mark.parametrize(
    ("group", "state"),
    [
        (GroupRecord(1, "a", "r"), "idle"),
        (IDLE, "idle"),
        (replace(IDLE, wanted=4), "queued"),
        (replace(IDLE, published=2), "queued"),
        (replace(IDLE, forced=True), "queued"),
        (LEASED, "idle"),
        (replace(LEASED, wanted=4), "queued"),
        (replace(LEASED, phase="training"), "training"),
        (replace(LEASED, phase="publishing"), "publishing"),
        (replace(LEASED, phase="training", lease_until=NOW), "idle"),
        (replace(IDLE, wanted=4, failed_revision=4), "failed"),
        (replace(IDLE, wanted=4, failed_revision=3), "queued"),
        (replace(LEASED, phase="training", wanted=4, failed_revision=4), "training"),
    ],
)
def test_state(group: GroupRecord, state: str) -> None:
    assert group.state(NOW) == state
