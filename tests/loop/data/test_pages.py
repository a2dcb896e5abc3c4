import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.loop.data.pages import addresses, in_words, indexed, label_of, number_of, place_of, spread, task_of
from backend.types import Control, Head
from model_registry import LabelRecord, TaskRecord

ONE = Control("b", "i", "RectangleLabels", Head.DETECTION, ("A",), "m.urls")
LIST = Control("b", "i", "RectangleLabels", Head.DETECTION, ("A",), "m.urls", value_list=True)


@given(st.integers(1, 2**40 - 1), st.integers(0, 10_000))
def test_a_page_tells_its_task_and_its_place(task: int, place: int) -> None:
    assert (task_of(number_of(task, place)), place_of(number_of(task, place))) == (task, place)
    assert number_of(task, 0) == task


def test_pages_in_words() -> None:
    assert [in_words(number_of(7, place)) for place in (0, 1)] == ["task 7", "task 7 (image 2)"]


@pytest.mark.parametrize(
    ("urls", "expected"), [(["a", "b"], ["a", "b"]), ("a", ["a"]), ([], [[]]), (None, [None]), ([None], [None])]
)
def test_what_a_task_holds(urls: object, expected: list[object]) -> None:
    task = TaskRecord(3, 1, "g", {"m": {"urls": urls}, "frame": 4})
    assert addresses(task.data, "m.urls") == expected
    pages = spread([task], LIST)
    assert [(page.data["m.urls"], page.data["frame"]) for page in pages] == [(url, 4) for url in expected]
    assert [page.id for page in pages] == [number_of(3, n) for n in range(len(expected))]
    assert spread([task], ONE) == [task]


def test_a_page_has_what_is_drawn_on_it() -> None:
    items = [{"id": "a"}, {"id": "b", "item_index": 0}, {"id": "c", "item_index": 2}, {"id": "d", "item_index": None}]
    label = LabelRecord(9, 1, 3, items, 0.0, 0.0, {})
    found = {place: label_of(label, number_of(3, place), LIST) for place in range(3)}
    assert {place: [item["id"] for item in one.result] for place, one in found.items()} == {
        0: ["a", "b", "d"], 1: [], 2: ["c"]
    }  # fmt: skip
    assert [one.task for one in found.values()] == [number_of(3, place) for place in range(3)]
    assert label_of(label, 3, ONE) is label
    assert indexed(found[2].result, number_of(3, 2)) == [{"id": "c", "item_index": 2}]
