"""Tabs of Label Studio's Data Manager. What it cannot show there stops its pages for everybody, so all of it is here.

Its API takes filters that its pages do not know (`in_list`): a tab with one makes every page of the project load for
ever. Only what `tests/end_to_end/test_tabs.py` opens in a browser is written.
"""

import base64
import json
import zlib
from collections.abc import Mapping, Sequence
from typing import Any

from backend.studio.client import Studio

MOST_TASKS = 50
"""Tasks that a tab names: each is a line in its list of filters."""
SHOWN = ("id", "total_annotations", "predictions_score")
"""Columns that are shown beside the task's data."""
SCORE = "tasks:predictions_score"
"""The column of a prediction's score, as a list of hidden columns names it."""
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


def passing(title: str, field: str, value: str) -> str:
    """The key of a tab that nobody keeps: the tasks that hold a value in a field of their data, the least certain first.

    It is all in the address (`?tab=<key>`): deflated JSON in base64, as Data Manager's pages pack such tabs (1.23.2).
    """
    chosen = {"filter": f"filter:tasks:data.{field}", "operator": "equal", "type": "String", "value": value}
    tab = {
        "title": title,
        "filters": {"conjunction": "and", "items": [chosen]},
        "ordering": ["tasks:predictions_score"],
    }
    packed = zlib.compress(json.dumps(tab, separators=(",", ":")).encode())
    return base64.urlsafe_b64encode(packed).decode().rstrip("=")


def put(studio: Studio, project: int, title: str, tasks: Sequence[int]) -> int:
    """Make the tab of this title with these tasks, or renew it, the least certain first; its number.

    Columns that somebody chose for it are kept.
    """
    found = _of_title(studio, project, title)
    chosen = {"filters": picked(tasks), "ordering": ["tasks:predictions_score"]}
    if found is None:
        if not studio.views(project):
            # Label Studio makes it for a project without any tab: ours alone would hide all other tasks.
            _make(studio, project, "Default")
        return _make(studio, project, title, shown=SHOWN, **chosen)
    data = {**found["data"], **chosen}
    if not data.get("hiddenColumns"):
        data |= _hidden(studio, project, SHOWN)
    body = {"project": project, "data": data}
    studio.http.json("PATCH", f"api/dm/views/{found['id']}/", json=body)
    return int(found["id"])


def show_scores(studio: Studio, project: int) -> int:
    """Have every tab show the column of scores, without which their order is not seen; how many did not."""
    rows, changed = studio.views(project), 0
    if not rows:
        _make(studio, project, "Default")
        rows = studio.views(project)
    for row in rows:
        data = row.get("data") or {}
        hidden = data.get("hiddenColumns")
        places = hidden.items() if isinstance(hidden, Mapping) else ()
        shown = {place: [name for name in names or () if name != SCORE] for place, names in places}
        if shown and shown != hidden:
            body = {"project": project, "data": {**data, "hiddenColumns": shown}}
            studio.http.json("PATCH", f"api/dm/views/{row['id']}/", json=body)
            changed += 1
    return changed


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


def _make(studio: Studio, project: int, title: str, shown: Sequence[str] | None = None, **chosen: Any) -> int:
    data = {"title": title, "type": "list", "target": "tasks", **_hidden(studio, project, shown), **chosen}
    return int(studio.http.json("POST", "api/dm/views/", json={"project": project, "data": data})["id"])


def _hidden(studio: Studio, project: int, shown: Sequence[str] | None) -> dict[str, Any]:
    """Everything hidden but these columns and the task's data, so that the picture is in sight; None: as in a tab that
    Label Studio makes."""
    answer = studio.http.json("GET", "api/dm/columns/", params={"project": project})
    hidden: dict[str, list[str]] = {"explore": [], "labeling": []}
    for column in answer["columns"]:
        name, visible = column["id"], column.get("visibility_defaults") or {}
        if column.get("target") != "tasks" or column.get("parent") == "data" or name == "data":
            continue
        for place, names in hidden.items():
            if name not in shown if shown is not None else not visible.get(place, True):
                names.append(f"tasks:{name}")
    return {"hiddenColumns": hidden}
