"""The pages as a browser gets them, over a real registry."""

import re
from collections.abc import Callable
from html.parser import HTMLParser
from typing import Any
from urllib.parse import quote

import pytest
from fastapi.testclient import TestClient
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import delete, event, update

from backend.web.app import create_app
from model_registry import Lease, tables
from tests.loop.house import CONFIG, House
from tests.loop.train.test_initialization import add_clip

BROWSER = {"accept": "text/html,application/xhtml+xml"}


class Read(HTMLParser):
    """What a browser would make of a page."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.words: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.words.append(data)

    @property
    def text(self) -> str:
        return re.sub(r"\s+", " ", "".join(self.words))

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.tags if name == tag]

    def links(self) -> list[str]:
        return [str(a["href"]) for a in self.all("a")]


def page(client: TestClient, path: str, status: int = 200) -> Read:
    answer = client.get(path, headers=BROWSER)
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"].startswith("text/html")
    return Read(answer.text)


def trained(house: House) -> None:
    for task in (1, 4):
        house.label(task)
    house.work()


def test_without_a_project_it_says_what_to_type(tmp_path: Any) -> None:
    house = House(tmp_path)
    found = page(TestClient(create_app(house.services)), "/")
    assert "micro-models connect --url" in found.text
    house.registry.close()


def test_the_first_page_lists_projects_with_their_counts(client: TestClient, house: House) -> None:
    house.label(1)
    found = page(client, "/")
    assert "Project 1" in found.text
    assert "1 of 6" in found.text
    assert "/projects/1" in found.links()


def test_what_is_at_work_is_shown_with_its_progress(client: TestClient, house: House) -> None:
    house.registry.leases.take(Lease(1, "clip", "worker"), 1000)
    house.registry.groups.progress(Lease(1, "clip", "worker"), "training", 0.25, 30.0)
    found = page(client, "/")
    assert "25 %, 30 s left" in found.text
    assert found.all("progress")[0]["value"] == "0.250"


def test_problems_come_first_with_what_to_do(client: TestClient, house: House) -> None:
    house.add_project(2, "<View><Image name='i' value='$image'/></View>")
    house.add_task(50, project=2)
    house.registry.leases.take(Lease(1, "clip", "worker"), 1000)
    house.registry.groups.mark_failed(Lease(1, "clip", "worker"), 0, "no usable box", None)
    house.registry.leases.release(Lease(1, "clip", "worker"))
    text = page(client, "/").text
    assert "clip in Project 1: Failed. no usable box" in text
    assert "when its labels change, or with 'Train now'" in text
    assert "nothing that a micro-model can learn" in text
    assert text.index("What needs you") < text.index("All projects")


def test_controls_that_are_not_served_are_told(client: TestClient, house: House) -> None:
    config = CONFIG.replace("</View>", "<TextArea name='note' toName='image'/></View>")
    house.registry.projects.configure(1, config=config)
    assert "Not served: TextArea 'note'" in page(client, "/projects/1").text


def test_a_sweep_that_is_overdue_is_told(client: TestClient, house: House) -> None:
    house.registry.projects.mark_synced(1, house.now)
    assert "Not compared" not in page(client, "/").text
    house.now += 4 * house.settings.sweep_seconds
    assert "Not compared with Label Studio for 20 min" in page(client, "/").text


def test_groups_are_paged_sorted_and_searched(client: TestClient, house: House) -> None:
    for number in range(60):
        house.add_task(100 + number, video=f"film {number:02d}")
    first = page(client, "/projects/1?sort=name")
    assert "Page 1 of 2" in first.text
    assert "film 48" in first.text
    assert "film 49" not in first.text
    assert "film 49" in page(client, "/projects/1?sort=name&page=2").text
    assert "film 59" in page(client, "/projects/1?sort=name&page=99").text
    assert "film 59" in page(client, "/projects/1?sort=name&descending=true").text
    found = page(client, "/projects/1?search=FILM+07")
    assert "film 07" in found.text
    assert "film 08" not in found.text
    assert "No group has “nope”" in page(client, "/projects/1?search=nope").text


def test_the_order_is_told_to_screen_readers(client: TestClient) -> None:
    found = page(client, "/projects/1?sort=name&descending=true")
    assert [h.get("aria-sort") for h in found.all("th") if "aria-sort" in h] == ["descending"]
    assert page(client, "/projects/1?sort=nonsense").all("th")


@pytest.mark.usefixtures("quick")
def test_where_it_does_not_work_the_list_says_so_too(client: TestClient, house: House) -> None:
    trained(house)
    house.label(2)
    house.work()
    assert "does not work well" not in page(client, "/projects/1").text
    poor = {"unseen": {"measure": "F1", "frames": 1, "score": 0.1}}
    with house.registry._database.writing() as connection:
        connection.execute(update(tables.versions).values(metrics=poor))
        connection.execute(update(tables.groups).values(doubt=0.8))
    assert "It does not work well here" in page(client, "/projects/1").text


@pytest.mark.usefixtures("quick")
def test_frames_are_suggested_once(client: TestClient, house: House) -> None:
    trained(house)
    shown = next(number for number, one in house.studio.predictions.items() if one["task"] == 2)
    house.label(2, parent_prediction=shown)
    house.work()
    assert "How much of the work is done for you" in page(client, "/projects/1/groups/clip").text
    with house.registry._database.writing() as connection:  # its predictions are gone, as after a change of the config
        connection.execute(delete(tables.ledger))
        connection.execute(update(tables.groups).values(doubt=None))
    found = page(client, "/projects/1/groups/clip").text
    assert found.count("Label these first") + found.count("Label next") == 1


def test_before_the_first_training_nobody_is_asked_for_labels_that_are_there(client: TestClient, house: House) -> None:
    assert "Label a few frames" in page(client, "/projects/1/groups/clip").text
    house.label(1)
    found = page(client, "/projects/1/groups/clip").text
    assert "Nothing was trained yet." in found
    assert "Label a few frames" not in found


@pytest.mark.usefixtures("quick")
def test_a_group_shows_versions_efficiency_and_predictions(client: TestClient, house: House) -> None:
    trained(house)
    found = page(client, "/projects/1/groups/clip")
    assert "label v1" in found.text
    assert "The other 4 frames have predictions. Open the least certain first" in found.text
    assert "4 frames without a label" in found.text
    assert "Done for you" not in found.text, "nobody has looked at a prediction yet"
    assert found.text.index("least certain first") < found.text.index("Versions")
    pictures = [i for i in found.all("img") if "/thumbnail" in str(i["src"])]
    assert {str(i["src"]).split("?")[0] for i in pictures} == {f"/projects/1/tasks/{t}/thumbnail" for t in (2, 3, 5, 6)}
    assert "predicted: square" in str(pictures[0]["alt"])
    assert "http://studio.test/projects/1/data?task=2" in found.links()


@pytest.mark.usefixtures("quick")
def test_what_groups_have_of_each_other(client: TestClient, house: House) -> None:
    for name, first in (("a", 101), ("b", 137), ("c", 173)):
        add_clip(house, name, first, label=2 if name != "c" else 0)
    project = page(client, "/projects/1").text
    assert "One model" in project
    assert re.search(r"Proposed by [ab] v1; nothing is labelled yet", project)
    assert "sibling: a v1" in page(client, "/projects/1/groups/b").text
    one = page(client, "/projects/1/groups/b").text
    assert "One model for the whole project scores 1.00 here, on 2 labels that it learnt" in one
    assert re.search(
        r"Nothing is labelled here yet. What is shown comes from [ab] v1", page(client, "/projects/1/groups/c").text
    )


def test_a_group_before_its_first_training(client: TestClient) -> None:
    found = page(client, "/projects/1/groups/clip")
    assert "Nothing was trained yet" in found.text
    assert "Predictions of the others come with the first training" in found.text


def test_a_task_that_cannot_be_used_is_told(client: TestClient, house: House) -> None:
    house.registry.tasks.set_problems(1, {3: "3.png cannot be decoded"})
    assert "Task 3: 3.png cannot be decoded" in page(client, "/projects/1/groups/clip").text


@pytest.mark.parametrize(
    "path", ["/projects/9", "/projects/1/groups/none", "/nowhere", "/projects/1/tasks/99/thumbnail"]
)
def test_what_is_not_there_is_a_page_that_says_so(client: TestClient, path: str) -> None:
    assert "Not found" in page(client, path, 404).text
    assert client.get(path).json()["detail"]


def test_an_impossible_address_is_a_page_too(client: TestClient) -> None:
    assert "impossible" in page(client, "/projects/film", 422).text


@pytest.mark.parametrize("path", ["/", "/projects/1", "/projects/1/groups/clip"])
def test_the_live_part_is_that_of_the_page(client: TestClient, path: str) -> None:
    part = client.get(path, params={"part": "live"}).text.strip()
    assert part.startswith('<div id="live"')
    assert "<html" not in part
    assert part.splitlines()[0] in client.get(path).text


@pytest.mark.parametrize("path", ["/", "/projects/1", "/projects/1/groups/clip", "/nowhere"])
def test_nothing_foreign_and_nothing_inline(client: TestClient, path: str) -> None:
    answer = client.get(path, headers=BROWSER)
    policy = answer.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert answer.headers["cache-control"] == "no-store"
    found = Read(answer.text)
    assert not found.all("style")
    assert all(
        "style" not in attributes and not any(a.startswith("on") for a in attributes) for _, attributes in found.tags
    )
    loaded = [str(a["src"]) for tag in ("script", "img") for a in found.all(tag)] + [
        str(a["href"]) for a in found.all("link")
    ]
    assert loaded
    assert all(source.startswith("/") and not source.startswith("//") for source in loaded)
    for source in loaded:
        assert client.get(source).status_code == 200


def test_every_page_has_its_landmarks(client: TestClient) -> None:
    for path in ("/", "/projects/1", "/projects/1/groups/clip", "/nowhere"):
        found = Read(client.get(path, headers=BROWSER).text)
        assert len(found.all("main")) == len(found.all("h1")) == 1
        assert found.all("html")[0]["lang"] == "en"
        assert found.links()[0] == "#main"
        assert len(found.all("table")) == len(found.all("caption"))
        assert all(th.get("scope") in ("col", "row") for th in found.all("th"))


# Starlette's TestClient unquotes a path twice, a real server once: without %. See test_dashboard_parts.py for these.
# A name that is a part of the other group's would find both.
names = st.text(st.characters(blacklist_categories=("Cs", "Cc")), min_size=1, max_size=40).filter(
    lambda n: n.strip() == n and "%" not in n and n.lower() not in "clip"
)
hostile = st.sampled_from([
    "<script>alert(1)</script>", '"><img src=x onerror=alert(1)>', "a/../b", "..", ".", "?part=live", "a&b#c;d", "{{ 7 * 7 }}",
    "javascript:alert(1)", "' or 1=1 --", "a\\b", "%s%(d)", "\u202eabc",
])  # fmt: skip


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=30)
@given(name=hostile | names)
def test_any_name_is_shown_as_it_is_and_runs_nothing(client: TestClient, house: House, name: str) -> None:
    plain = [tag for tag, _ in Read(client.get("/projects/1?search=clip").text).tags]
    house.add_task(99, video=name)
    listed = Read(client.get("/projects/1", params={"search": name}).text)
    assert name in "".join(listed.words)
    assert {tag for tag, _ in listed.tags} <= {*plain, "progress"}
    [link] = {link for link in listed.links() if "/groups/" in link}
    found = page(client, link)
    assert "".join(found.words).count(name) >= 2
    assert not [a for _, a in found.tags if any(key.startswith("on") for key in a)]
    house.send("TASKS_DELETED", tasks=[{"id": 99}])


def test_labels_and_reasons_are_escaped(client: TestClient, house: House) -> None:
    house.registry.tasks.set_problems(1, {3: "<script>alert(1)</script>"})
    text = client.get("/projects/1/groups/clip").text
    assert "&lt;script&gt;" in text
    assert "<script>alert" not in text


def test_a_group_may_have_a_slash_in_its_name(client: TestClient, house: House) -> None:
    house.add_task(99, video="day 1/clip.mp4")
    path = f"/projects/1/groups/{quote('day 1/clip.mp4', safe='')}"
    assert path in page(client, "/projects/1").links()
    assert "day 1/clip.mp4" in page(client, path).text


def test_basic_auth_covers_every_page(tmp_path: Any) -> None:
    house = House(tmp_path, basic_auth_user="u", basic_auth_password="p")
    client = TestClient(create_app(house.services))
    for path in ("/", "/projects/1", "/projects/1/groups/a", "/projects/1/tasks/1/thumbnail", "/static/dashboard.js"):
        refused = client.get(path, headers=BROWSER)
        assert refused.status_code == 401
        assert refused.headers["www-authenticate"].startswith("Basic")
    assert client.post("/projects/1/actions", headers={"sec-fetch-site": "same-origin"}).status_code == 401
    assert client.get("/", auth=("u", "p")).status_code == 200
    house.registry.close()


def test_only_our_files_are_served(client: TestClient) -> None:
    assert client.get("/static/dashboard.css").headers["content-type"].startswith("text/css")
    assert client.get("/static/app.py").status_code == 404
    assert client.get("/static/..%2fapp.py").status_code == 404


@pytest.mark.parametrize("path", ["/", "/projects/1", "/projects/1/groups/clip"])
def test_more_groups_and_tasks_cost_no_more_queries(client: TestClient, house: House, path: str) -> None:
    house.label(1)
    few = statements(house, lambda: client.get(path))
    for number in range(20):
        house.add_task(100 + number, video=f"film {number}")
        house.add_task(200 + number)
    assert statements(house, lambda: client.get(path)) <= few


def statements(house: House, call: Callable[[], object]) -> int:
    """How many statements a call sends; what it reviews the first time is not counted."""
    call()
    seen: list[str] = []
    engine = house.registry._database.engine

    def note(connection: Any, cursor: Any, statement: str, *_: Any) -> None:
        seen.append(statement)

    event.listen(engine, "before_cursor_execute", note)
    call()
    event.remove(engine, "before_cursor_execute", note)
    assert seen
    return len(seen)
