"""All tasks of a project, read page by page, and whether what is missing from them may be there all the same."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

Page = Mapping[str, Any]
"""Label Studio's answer: `tasks`, and `total`, the number of all that match, this page's and those after it."""


class TaskList(Iterator[dict[str, Any]]):
    """The tasks by id, each with `data` and its full `annotations`. An odd task or annotation costs itself alone.

    Continues after the last id it saw rather than by page number, so that tasks deleted meanwhile shift nothing.
    """

    def __init__(self, project: int, size: int, page_after: Callable[[int], Page]) -> None:
        self._project = project
        self._size = size
        self._page_after = page_after
        self._rows = self._read()
        self.doubt = ""
        """Why the list, once read to its end, is not the whole truth; empty where nothing speaks against it."""

    def __next__(self) -> dict[str, Any]:
        return next(self._rows)

    def _read(self) -> Iterator[dict[str, Any]]:
        last = 0
        while True:
            page = self._page_after(last)
            rows, total = page["tasks"], page.get("total")
            if not isinstance(total, int) or len(rows) != min(total, self._size):
                self._doubt(f"a page after task {last} has {len(rows)} tasks of {total!r}, asked for {self._size}")
            usable = [row for row in rows if self._is_usable(row, last)]
            yield from map(self._complete, usable)
            more = isinstance(total, int) and total > len(rows)
            if not usable or (len(rows) < self._size and not more):
                return
            last = max(row["id"] for row in usable)

    def _is_usable(self, row: Any, last: int) -> bool:
        """Whether it is a task that was asked for."""
        id_ = row.get("id") if isinstance(row, Mapping) else None
        if isinstance(id_, int) and id_ > last and row.get("project", self._project) == self._project:
            return True
        self._doubt(f"expected tasks of project {self._project} after {last}, found {str(row)[:200]}")
        return False

    def _complete(self, task: dict[str, Any]) -> dict[str, Any]:
        """The task with those of its annotations that came whole: one without its result would look like an empty frame,
        and no label is better than a wrong one."""
        rows = task.get("annotations")
        if not isinstance(rows, list):
            self._doubt(f"task {task['id']} came without its annotations")
            rows = []
        whole = [row for row in rows if self._is_whole(task["id"], row)]
        return {**task, "annotations": whole}

    def _is_whole(self, task: int, row: Any) -> bool:
        if isinstance(row, Mapping) and {"result", "updated_at", "was_cancelled"} <= row.keys():
            return True
        found = sorted(row) if isinstance(row, Mapping) else type(row).__name__
        self._doubt(
            f"task {task}: its annotation came as {found}, expected `result`, `updated_at` and `was_cancelled` in it; "
            "Label Studio 1.23.2 is known to give them"
        )
        return False

    def _doubt(self, why: str) -> None:
        self.doubt = self.doubt or why
