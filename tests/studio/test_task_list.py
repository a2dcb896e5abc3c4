from typing import Any

import pytest

from backend.studio.task_list import TaskList

Row = dict[str, Any]
WHOLE = {"result": [], "updated_at": "2026-01-01T00:00:00Z", "was_cancelled": False}


def row(id: Any, *annotations: Any, **fields: Any) -> Row:
    return {"id": id, "project": 1, "data": {}, "annotations": list(annotations), **fields}


def listing(*pages: tuple[list[Any], object], size: int = 2) -> tuple[TaskList, list[int]]:
    """A list of these pages, (tasks, total) each, whatever is asked; and after which task each was asked for."""
    asked: list[int] = []

    def page_after(last: int) -> Row:
        asked.append(last)
        rows, total = pages[len(asked) - 1] if len(asked) <= len(pages) else ([], 0)
        return {"tasks": rows, "total": total}

    return TaskList(1, size, page_after), asked


@pytest.mark.parametrize(
    ("pages", "asked"),
    [
        ([([], 0)], [0]),
        ([([row(1)], 1)], [0]),
        ([([row(1), row(2)], 3), ([row(5)], 1)], [0, 2]),
        ([([row(1), row(2)], 2), ([], 0)], [0, 2]),
    ],
)
def test_a_whole_list_leaves_no_doubt(pages: list[tuple[list[Any], object]], asked: list[int]) -> None:
    tasks, after = listing(*pages)
    assert [task["id"] for task in tasks] == [one["id"] for rows, _ in pages for one in rows]
    assert (tasks.doubt, after) == ("", asked)


@pytest.mark.parametrize(
    ("pages", "ids"),
    [
        ([([], 5)], []),
        ([([row(1)], 5), ([row(2), row(3)], 4), ([row(4), row(5)], 2)], [1, 2, 3, 4, 5]),
        ([([row(1), row(2)], 1000), ([row(3)], 998)], [1, 2, 3]),
        ([([row(1)], 0)], [1]),
        ([([row(1)], None)], [1]),
        ([([row(1)], "1")], [1]),
        ([([row(1), row(2)], 2), ([row(1), row(2)], 2)], [1, 2]),
        ([([row(1), row(2, project=9)], 2)], [1]),
        ([([row(1), "x"], 2)], [1]),
        ([([row(1), {}], 2)], [1]),
        ([([row(1), row("2")], 2)], [1]),
    ],
)
def test_a_list_that_is_cut_short_or_odd_is_doubted_and_read_as_far_as_it_goes(
    pages: list[tuple[list[Any], object]], ids: list[int]
) -> None:
    tasks, _ = listing(*pages)
    assert [task["id"] for task in tasks] == ids
    assert tasks.doubt


@pytest.mark.parametrize("odd", [{"id": 9}, {"result": []}, None, 5])
def test_an_odd_annotation_costs_itself_alone(odd: Any) -> None:
    tasks, _ = listing(([row(1, WHOLE, odd)], 1))
    assert [task["annotations"] for task in tasks] == [[WHOLE]]
    assert "`result`" in tasks.doubt


@pytest.mark.parametrize("fields", [{"annotations": None}, {"annotations": {"id": 1}}])
def test_a_task_without_its_annotations_is_doubted(fields: Row) -> None:
    tasks, _ = listing(([row(1, **fields)], 1))
    assert [task["annotations"] for task in tasks] == [[]]
    assert "without its annotations" in tasks.doubt
