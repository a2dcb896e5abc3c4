import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.learning.pose.symmetry import partners


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        ((), ()),
        (("nose",), (0,)),
        (("left", "right"), (1, 0)),
        (("snout", "leftear", "rightear", "tailbase"), (0, 2, 1, 3)),
        (("Left Eye", "Right Eye"), (1, 0)),
        (("LEFT_EYE", "RIGHT_EYE"), (1, 0)),
        (("eye_left", "nose", "eye_right"), (2, 1, 0)),
        (("wingL", "wingR"), (1, 0)),
        (("forelegL1", "forelegL2", "forelegR1", "forelegR2"), (2, 3, 0, 1)),
        (("L_ear", "R_ear", "l.paw", "r.paw"), (1, 0, 3, 2)),
        (("lwing", "rwing"), (1, 0)),
        (("l", "r"), (1, 0)),
    ],
)
def test_sides_in_names(names: tuple[str, ...], expected: tuple[int, ...]) -> None:
    assert partners(names) == expected


@pytest.mark.parametrize(
    "names", [("left", "nose"), ("head", "neck", "tail"), ("wingL", "wing"), ("collar", "molar"), ("rear", "back")]
)
def test_names_without_a_partner_stay_where_they_are(names: tuple[str, ...]) -> None:
    assert partners(names) == tuple(range(len(names)))


@given(st.lists(st.text("LRlraeft_1 ", max_size=7), unique=True, max_size=8))
def test_the_partner_of_the_partner_is_oneself(names: list[str]) -> None:
    found = partners(names)
    assert [found[i] for i in found] == list(range(len(names)))
