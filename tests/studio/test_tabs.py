from typing import Any

import httpx
import pytest

from backend.studio import tabs
from tests.studio.server import Server

COLUMNS = [
    {"id": "id", "target": "tasks"},
    {"id": "total_annotations", "target": "tasks"},
    {"id": "predictions_score", "target": "tasks"},
    {"id": "annotations_results", "target": "tasks", "visibility_defaults": {"explore": False, "labeling": True}},
    {"id": "data", "target": "tasks"},
    {"id": "image", "target": "tasks", "parent": "data"},
    {"id": "frame", "target": "tasks", "parent": "data"},
]
IN_LIST = {"conjunction": "and", "items": [{"filter": "filter:tasks:id", "operator": "in_list", "value": [1]}]}


class Views(Server):
    """The tabs of a project, and its columns."""

    def __init__(self, *views: dict[str, Any]) -> None:
        super().__init__()
        self.on("GET", "/api/dm/columns/", body={"columns": COLUMNS})
        self.on("GET", "/api/dm/views/", body=[{"id": 3, "data": {"title": "Default"}}, *views])
        self.on("POST", "/api/dm/views/", 201, {"id": 4})
        self.on("PATCH", "/api/dm/views/4/", body={"id": 4})
        self.answer("DELETE", "/api/dm/views/4/", lambda _: httpx.Response(204))


def test_every_filter_is_one_that_the_pages_know() -> None:
    chosen = tabs.picked([5, 2])
    assert chosen["conjunction"] == "or"
    assert [(item["operator"], item["type"], item["value"]) for item in chosen["items"]] == [
        ("equal", "Number", 5),
        ("equal", "Number", 2),
    ]


def test_no_task_at_all_does_not_mean_every_task() -> None:
    [item] = tabs.picked([])["items"]
    assert (item["filter"], item["operator"], item["value"]) == ("filter:tasks:total_annotations", "equal", 0)


def test_many_tasks_are_cut() -> None:
    assert len(tabs.picked(range(1000))["items"]) == tabs.MOST_TASKS


def test_a_new_tab_shows_the_picture_and_the_score_and_little_else() -> None:
    server = Views()
    assert tabs.put(server.studio(), 1, "Label next", [7]) == 4
    [sent] = server.sent("POST", "/api/dm/views/")
    assert sent["project"] == 1
    assert sent["data"]["hiddenColumns"] == {
        "explore": ["tasks:annotations_results"],
        "labeling": ["tasks:annotations_results"],
    }
    assert sent["data"]["ordering"] == ["tasks:predictions_score"]


def test_the_first_tab_of_a_project_does_not_hide_all_other_tasks() -> None:
    server = Views()
    server.on("GET", "/api/dm/views/", body=[])
    tabs.put(server.studio(), 1, "Label next", [7])
    first, second = server.sent("POST", "/api/dm/views/")
    assert (first["data"]["title"], second["data"]["title"]) == ("Default", "Label next")
    assert "filters" not in first["data"]
    assert first["data"]["hiddenColumns"]["explore"] == ["tasks:annotations_results"], "as Label Studio's own"


def test_a_tab_that_is_there_is_renewed_and_keeps_the_columns_that_somebody_chose() -> None:
    kept = {
        "title": "Label next",
        "hiddenColumns": {"explore": ["x"], "labeling": []},
        "gridWidth": 4,
        "filters": IN_LIST,
    }
    server = Views({"id": 4, "data": kept})
    assert tabs.put(server.studio(), 1, "Label next", [7]) == 4
    [sent] = server.sent("PATCH", "/api/dm/views/4/")
    assert sent["data"]["hiddenColumns"] == kept["hiddenColumns"]
    assert sent["data"]["gridWidth"] == 4
    assert sent["data"]["filters"] == tabs.picked([7])


@pytest.mark.parametrize(
    ("data", "broken"),
    [
        ({"filters": IN_LIST}, True),
        ({"filters": tabs.picked([1])}, False),
        ({"filters": {"conjunction": "and", "items": []}}, False),
        ({"filters": None}, False),
        ({}, False),
    ],
)
def test_a_tab_of_an_earlier_release_is_known_by_its_operator(data: dict[str, Any], broken: bool) -> None:
    server = Views({"id": 4, "data": {"title": "Label next", **data}})
    assert tabs.is_broken(server.studio(), 1, "Label next") is broken


def test_another_persons_tab_is_left_alone() -> None:
    server = Views({"id": 4, "data": {"title": "Mine", "filters": IN_LIST}}, {"id": 5, "data": None})
    assert not tabs.is_broken(server.studio(), 1, "Label next")
    tabs.remove(server.studio(), 1, "Label next")
    assert not server.sent("DELETE", "/api/dm/views/4/")


def test_removing() -> None:
    server = Views({"id": 4, "data": {"title": "Label next"}})
    assert tabs.exists(server.studio(), 1, "Label next")
    tabs.remove(server.studio(), 1, "Label next")
    assert server.sent("DELETE", "/api/dm/views/4/") == [None]


def test_scores_are_shown_in_every_tab_that_hides_them() -> None:
    hidden = {"explore": ["tasks:predictions_score", "tasks:cluster"], "labeling": []}
    server = Views({"id": 4, "data": {"title": "mine", "hiddenColumns": hidden, "filters": {"items": []}}})
    assert tabs.show_scores(server.studio(), 1) == 1
    [sent] = server.sent("PATCH", "/api/dm/views/4/")
    data = sent["data"]
    assert data["hiddenColumns"] == {"explore": ["tasks:cluster"], "labeling": []}
    assert (data["title"], data["filters"]) == ("mine", {"items": []}), "the rest stays"
