import pytest

from backend.types import Head
from tests.benchmarks.kinds import KINDS, half_of, kind_of


@pytest.mark.parametrize("head", Head)
def test_heads_and_kinds_are_split_evenly(head: Head) -> None:
    kinds = KINDS[head].values()
    for groups in (*kinds, [name for kind in kinds for name in kind]):
        halves = [half_of(head, group) for group in groups]
        assert abs(halves.count(0) - halves.count(1)) <= 1
        assert len(set(groups)) == len(groups)


def test_groups_of_the_same_pictures_are_in_one_half() -> None:
    assert half_of(Head.DETECTION, "pets_red_jacket") == half_of(Head.DETECTION, "pets_s3mf1")


def test_a_group_of_no_known_kind_is_asked_for() -> None:
    with pytest.raises(LookupError, match="'new_one': add it to"):
        half_of(Head.POSE, "new_one")
    with pytest.raises(LookupError):
        kind_of(Head.POSE, "otb_crossing")
