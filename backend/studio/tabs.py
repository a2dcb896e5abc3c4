"""Tabs of Label Studio's Data Manager. What it cannot show there stops its pages for everybody, so all of it is here.

Its API takes filters that its pages do not know (`in_list`): a tab with one makes every page of the project load for
ever. Only what `tests/end_to_end/test_tabs.py` opens in a browser is written.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from backend.studio.client import Studio

MOST_TASKS = 50
"""Tasks that a tab names: each is a line in its list of filters."""
SHOWN = ("id", "total_annotations", "predictions_score")
"""Columns that are shown beside the task's data."""
UNKNOWN_OPERATORS = frozenset({"in_list", "not_in_list"})
"""Operators of filters that the API applies and the pages do not know."""

Filters = dict[str, Any]


def picked(tasks: Sequence[int]) -> Filters:
    """Filters for these tasks, the first `MOST_TASKS` of them; with none, for all tasks that nobody has labelled."""
    if not tasks:
        unlabelled = {"filter": "filter:tasks:total_annotations", "operator": "equal", "type": "Number", "value": 0}
        return {"conjunction": "and", "items": [unlabelled]}
    chosen = [
        {"filter": "filter:tasks:id", "operator": "equal", "type": "Number", "value": task}
        for task in tasks[:MOST_TASKS]
    ]
    return {"conjunction": "or", "items": chosen}


def put(studio: Studio, project: int, title: str, tasks: Sequence[int]) -> int:
    """Make the tab of this title with these tasks, or renew it, the least certain first; its number.

    Columns that somebody chose for it are kept.
    """
    found = _of_title(studio, project, title)
    columns = {} if found and found["data"].get("hiddenColumns") else _columns(studio, project)
    data = {"title": title, "type": "list", "target": "tasks", **columns}
    data |= {"filters": picked(tasks), "ordering": ["tasks:predictions_score"]}
    if found is None:
        made = studio.http.json("POST", "api/dm/views/", json={"project": project, "data": data})
        return int(made["id"])
    body = {"project": project, "data": {**found["data"], **data}}
    studio.http.json("PATCH", f"api/dm/views/{found['id']}/", json=body)
    return int(found["id"])


def exists(studio: Studio, project: int, title: str) -> bool:
    """Whether there is a tab of this title."""
    return _of_title(studio, project, title) is not None


def is_broken(studio: Studio, project: int, title: str) -> bool:
    """Whether the tab of this title, made by an earlier release, stops the Data Manager's pages."""
    found = _of_title(studio, project, title)
    filters = found["data"].get("filters") if found else None
    items = filters.get("items") if isinstance(filters, Mapping) else None
    return any(item.get("operator") in UNKNOWN_OPERATORS for item in items or () if isinstance(item, Mapping))


def remove(studio: Studio, project: int, title: str) -> None:
    """Remove the tab of this title, where there is one."""
    if found := _of_title(studio, project, title):
        studio.http.json("DELETE", f"api/dm/views/{found['id']}/", params={"project": project})


def _of_title(studio: Studio, project: int, title: str) -> dict[str, Any] | None:
    rows = studio.views(project)
    return next((row for row in rows if (row.get("data") or {}).get("title") == title), None)


def _columns(studio: Studio, project: int) -> dict[str, Any]:
    """Everything hidden but a few columns and the task's data, so that the picture is in sight."""
    answer = studio.http.json("GET", "api/dm/columns/", params={"project": project})
    names = [(column["id"], column.get("parent")) for column in answer["columns"] if column.get("target") == "tasks"]
    hidden = [f"tasks:{name}" for name, parent in names if parent != "data" and name not in (*SHOWN, "data")]
    return {"hiddenColumns": {"explore": hidden, "labeling": hidden}}
