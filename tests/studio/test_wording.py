from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from backend.studio.wording import in_words


def box(label: str, id_: str) -> dict[str, Any]:
    return {"id": id_, "type": "rectanglelabels", "value": {"rectanglelabels": [label]}}


def test_nothing() -> None:
    assert in_words([]) == "nothing"


def test_labels_are_counted_by_region() -> None:
    assert in_words([box("Bunny", "a"), box("Bird", "b"), box("Bunny", "c")]) == "2 × Bunny, Bird"


def test_two_items_of_one_region_count_once() -> None:
    twice = [
        {"id": "a", "type": "rectangle", "value": {"x": 1, "labels": ["Bunny"]}},
        {"id": "a", "type": "labels", "value": {"labels": ["Bunny"]}},
    ]
    assert in_words(twice) == "Bunny"


def test_choices_and_tracks() -> None:
    assert in_words([{"id": "a", "type": "choices", "value": {"choices": ["day", "rain"]}}]) == "day, rain"
    assert in_words([{"id": "a", "type": "videorectangle", "value": {"labels": ["Bunny"]}}]) == "Bunny"


def test_many_labels_are_cut_short() -> None:
    assert in_words([box(str(n), str(n)) for n in range(7)]).endswith(" and 2 more labels")


json = st.recursive(st.none() | st.integers() | st.text(), lambda x: st.lists(x) | st.dictionaries(st.text(), x))


@given(st.lists(st.dictionaries(st.sampled_from(["id", "type", "value"]), json)))
def test_damaged_items_are_no_error(result: list[dict[str, Any]]) -> None:
    assert in_words(result)
