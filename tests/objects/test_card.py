from dataclasses import fields

from hypothesis import given
from hypothesis import strategies as st

from backend.objects.card import KINDS, Card

TEXT = st.text(max_size=20)
CARDS = st.builds(
    Card, group=TEXT, control=TEXT, version=st.integers(0, 10**6), labelled=st.integers(0, 10**6), measure=TEXT,
    score=st.none() | st.floats(0, 1), start=TEXT, lineage=st.lists(TEXT).map(tuple), origin=TEXT,
)  # fmt: skip


def test_each_field_has_its_kind() -> None:
    assert KINDS.keys() == {one.name for one in fields(Card)}


@given(CARDS)
def test_a_card_comes_back_as_it_was(card: Card) -> None:
    assert Card.of(card.as_json()) == card


def test_what_a_foreign_file_says_in_another_kind_is_left_out() -> None:
    odd = {
        "group": "clip",
        "labelled": "many",
        "version": None,
        "score": "good",
        "lineage": 7,
        "measure": ["F1"],
        "smell": 1,
    }
    assert Card.of(odd) == Card(group="clip")


def test_what_no_registry_would_hold_is_left_out() -> None:
    odd = {"group": "clip", "labelled": 10**30, "version": -(10**12), "score": float("nan"), "start": "a" * 10**6,
           "lineage": ["a" * 10**6], "control": "label"}  # fmt: skip
    assert Card.of(odd) == Card(group="clip", control="label")
    assert Card.of({"lineage": ["a"] * 10**5}) == Card.of({"lineage": [["deep"]]}) == Card()
