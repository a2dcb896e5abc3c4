"""Random edits of random predictions must be counted exactly, and what was shown must be found."""

import copy
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.loop.review.compare import Tally, compare, kept_regions, rows, shown_entry
from model_registry import LedgerEntry

LABELS = ("cat", "dog")


def box(id: str, label: str = "cat", x: float = 10.0, name: str = "label") -> dict[str, Any]:
    value = {"x": x, "y": 20.0, "width": 5.0, "height": 6.0, "rotation": 0, "rectanglelabels": [label]}
    return {"id": id, "from_name": name, "to_name": "image", "type": "rectanglelabels", "value": value}


def point(id: str, label: str, x: float, parent: str) -> dict[str, Any]:
    value = {"x": x, "y": 30.0, "width": 0.75, "keypointlabels": [label]}
    return {"id": id, "from_name": "points", "type": "keypointlabels", "value": value, "parentID": parent}


def choice(label: str, id: str = "c1") -> dict[str, Any]:
    return {"id": id, "from_name": "choice", "type": "choices", "value": {"choices": [label]}}


def attribute(id: str, label: str) -> dict[str, Any]:
    return {"id": id, "from_name": "state", "type": "choices", "value": {"choices": [label]}}


def total(shown: list[dict[str, Any]], result: list[dict[str, Any]]) -> Tally:
    """Over all controls and labels."""
    sums = [list(row.values())[2:] for row in rows(compare(shown, result))]
    return Tally(*(sum(column) for column in zip(*sums, strict=True)))


def test_nothing_shown_and_nothing_drawn() -> None:
    assert compare([], []) == {("", ""): Tally()}


def test_all_kinds_of_actions_by_label() -> None:
    shown = [box("kept"), box("moved"), box("named"), box("both"), box("gone", "dog")]
    result = [box("kept"), box("moved", x=30), box("named", "dog"), box("both", "dog", 40), box("new", "cat")]
    assert compare(shown, result) == {
        ("label", "cat"): Tally(accepted=1, moved=1, added=1, labels=3),
        ("label", "dog"): Tally(moved=1, relabelled=2, deleted=1, labels=2),
    }
    assert total(shown, result).actions == 6


def test_another_choice_is_one_relabelling_whatever_its_id() -> None:
    assert total([choice("day")], [choice("night", "c2")]) == Tally(relabelled=1, labels=1)
    assert total([choice("day")], [choice("day", "c2")]) == Tally(accepted=1, labels=1)
    assert total([choice("day")], []) == Tally(deleted=1)
    assert total([], [choice("day")]) == Tally(added=1, labels=1)


def test_points_that_hang_on_another_box_are_not_touched() -> None:
    shown = [box("b1"), point("p1", "nose", 11, "b1"), point("p2", "tail", 12, "b1")]
    result = [box("b2", x=60), point("p1", "nose", 11, "b2"), point("p2", "tail", 13, "b2")]
    assert total(shown, result) == Tally(accepted=1, moved=1, added=1, deleted=1, labels=3)


def test_regions_of_two_controls_may_have_one_id() -> None:
    assert total([box("r", name="a"), box("r", name="b")], [box("r", name="a")]) == Tally(
        accepted=1, deleted=1, labels=1
    )


EDITS = st.sampled_from(["keep", "move", "name", "both", "delete"])
PREDICTED = st.lists(st.tuples(st.sampled_from(LABELS), st.integers(0, 90), EDITS), max_size=8)
DRAWN = st.lists(st.tuples(st.sampled_from(LABELS), st.integers(0, 90)), max_size=4)


@given(PREDICTED, DRAWN, st.randoms(use_true_random=False))
def test_any_edits_are_counted_exactly(predicted: list[tuple[str, int, str]], drawn: list[Any], random: Any) -> None:
    shown = [box(f"p{n}", label, float(x)) for n, (label, x, _) in enumerate(predicted)]
    result = []
    for region, (label, x, edit) in zip(copy.deepcopy(shown), predicted, strict=True):
        if edit == "delete":
            continue
        if edit in ("move", "both"):
            region["value"]["x"] = x + 1.5
        if edit in ("name", "both"):
            region["value"]["rectanglelabels"] = [LABELS[1 - LABELS.index(label)]]
        # What the editor says of a region's origin must not matter.
        region["origin"] = random.choice(["prediction", "prediction-changed", "manual"])
        result.append(region)
    result += [box(f"n{n}", label, float(x)) for n, (label, x) in enumerate(drawn)]
    random.shuffle(result)
    edits = [edit for _, _, edit in predicted]
    assert total(shown, result) == Tally(
        accepted=edits.count("keep"),
        moved=edits.count("move") + edits.count("both"),
        relabelled=edits.count("name") + edits.count("both"),
        added=len(drawn),
        deleted=edits.count("delete"),
        labels=len(result),
    )


@given(PREDICTED, DRAWN)
def test_from_nothing_every_region_is_drawn(predicted: list[Any], drawn: list[Any]) -> None:
    result = [box(f"n{n}", label, float(x)) for n, (label, x, *_) in enumerate([*predicted, *drawn])]
    assert total([], result) == Tally(added=len(result), labels=len(result))
    assert total(result, result) == Tally(accepted=len(result), labels=len(result))
    assert total(result, []) == Tally(deleted=len(result))


ENTRY = LedgerEntry(1, 1, None, [box("a1"), box("a2")], 0.5, {"label": 1}, "micro-models", 100.0)
NEWER = replace(ENTRY, result=[box("b1"), box("b2")], published_at=200.0)
EMPTY = replace(ENTRY, result=[], published_at=150.0)


@pytest.mark.parametrize(
    ("result", "from_prediction", "at", "expected"),
    [
        ([], False, 300, None),
        ([box("x")], False, 300, None),
        ([box("x")], True, 300, NEWER),
        ([], True, 300, NEWER),
        ([], True, 160, EMPTY),
        ([], True, 120, ENTRY),
        ([], True, 50, None),
        ([box("a1")], True, 300, ENTRY),
        ([box("a2"), box("x")], False, 300, ENTRY),
        ([box("b1")], False, 300, NEWER),
        ([box("b1")], False, 150, None),
        ([box("b1")], False, 196, NEWER),
        ([{"id": None}, {}], True, 300, NEWER),
    ],
)
def test_which_prediction_was_shown(
    result: Any, from_prediction: bool, at: float, expected: LedgerEntry | None
) -> None:
    assert shown_entry(result, from_prediction, at, [NEWER, EMPTY, ENTRY]) is expected
    assert shown_entry(result, from_prediction, at, []) is None


def test_tracks_that_a_later_prediction_goes_on_with_were_not_shown_before() -> None:
    """A video's prediction keeps the ids of the tracks that a person began."""
    later = replace(ENTRY, result=[box("mine")], published_at=130.0)
    assert shown_entry([box("mine")], False, 100.0, [later]) is None
    again = replace(later, published_at=160.0)
    assert shown_entry([box("mine")], True, 150.0, [again, later]) is later


def test_an_attribute_set_on_an_accepted_box_is_one_action_and_the_box_stays_accepted() -> None:
    assert compare([box("a")], [box("a"), attribute("a", "lying")]) == {
        ("label", "cat"): Tally(accepted=1, labels=1),
        ("state", "lying"): Tally(added=1, labels=1),
    }
    assert kept_regions([box("a")], [box("a"), attribute("a", "lying")]) == {"a"}


def test_attributes_are_accepted_changed_and_taken_away_beside_their_box() -> None:
    shown = [box("a"), attribute("a", "lying")]
    assert total(shown, shown) == Tally(accepted=2, labels=2)
    assert total(shown, [box("a"), attribute("a", "standing")]) == Tally(accepted=1, relabelled=1, labels=2)
    assert total(shown, [box("a")]) == Tally(accepted=1, deleted=1, labels=1)
    assert total(shown, [box("a", x=50.0), attribute("a", "lying")]) == Tally(accepted=1, moved=1, labels=2)
    assert kept_regions(shown, [box("a", x=50.0), attribute("a", "lying")]) == frozenset()


def test_an_attribute_that_goes_with_its_box_is_no_action_of_its_own() -> None:
    shown = [box("a"), attribute("a", "lying")]
    assert total(shown, []) == Tally(deleted=1)
    assert total(shown, [box("a", "dog")]) == Tally(relabelled=1, labels=1)
    assert total([], shown) == Tally(added=2, labels=2)


def test_a_class_that_the_editor_hides_beside_the_region_is_nobodys_work() -> None:
    shown = [box("a"), box("b"), attribute("a", "lying"), attribute("b", "lying")]
    result = [box("a"), box("b"), attribute("b", "lying")]
    assert compare(shown, result, {("state", "a")}) == {
        ("label", "cat"): Tally(accepted=2, labels=2),
        ("state", "lying"): Tally(accepted=1, labels=1),
    }
