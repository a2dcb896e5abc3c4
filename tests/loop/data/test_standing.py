"""How a project stands with Label Studio: removed there, connected again, refused, protected."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from backend.errors import RegistryError, StudioError, StudioForbidden
from backend.loop.data import standing
from backend.loop.data.projects import setup
from backend.loop.disconnect import disconnect_project
from backend.loop.events.sweep import Reconciler, sweep_project
from backend.loop.forget import forget_project
from backend.loop.pages.overview import project_page
from backend.loop.pages.status import project_status
from backend.loop.versions import train_now
from backend.studio import connection
from model_registry import ProjectRecord
from tests.loop.house import BACKEND, CONFIG, House

Protected = list[tuple[str, str]]


@pytest.fixture
def house(tmp_path: Path, quick: None) -> Iterator[House]:
    house = House(tmp_path)
    house.add_project()
    for task in range(1, 5):
        house.add_task(task)
    yield house
    house.registry.close()


@pytest.fixture(autouse=True)
def protected(monkeypatch: pytest.MonkeyPatch) -> Protected:
    """(address, secret) of the webhooks that were given one."""
    given = Protected()
    monkeypatch.setattr(connection, "protect", lambda studio, project, url, secret: given.append((url, secret)))
    return given


def project(house: House) -> ProjectRecord:
    return house.registry.projects.seen(1)


def connected(house: House) -> None:
    """As `connect` leaves it."""
    known = {"backend_id": 1, "backend_url": BACKEND["url"], "webhook_secret": "s"}
    house.registry.projects.configure(1, settings=known)


def sweep(house: House, later: float = 300.0) -> ProjectRecord:
    house.now += later
    sweep_project(house.services, 1)
    return project(house)


def test_a_model_that_was_removed_is_noticed_at_the_second_look(house: House) -> None:
    connected(house)
    house.label(1)
    house.work()
    house.studio.rows_of_backends.clear()
    assert sweep(house).stopped is None
    assert sweep(house, 1.0).stopped is None, "the second look comes too soon to say"
    assert sweep(house).stopped == standing.REMOVED


def test_then_nothing_is_trained_or_published_and_people_are_told(house: House) -> None:
    connected(house)
    house.studio.rows_of_backends.clear()
    for _ in range(2):
        sweep(house)
    house.label(1)
    assert house.registry.labels.known(1), "labels are kept all the same"
    house.work()
    Reconciler(house.services)()
    assert house.studio.predictions == {}
    assert house.registry.versions.history(1, "clip") == []
    assert not house.registry.groups.waits(house.now + 60, "worker"), "other projects' spare time is not taken"
    house.worker.run_group(1, "clip")
    assert house.registry.versions.history(1, "clip") == []
    status = project_status(house.services, 1)
    assert "micro-models connect --project 1 --backend-url http://backend.test:9090" in status["problem"]
    assert "micro-models forget --project 1" in status["problem"]
    page = project_page(house.services, 1)
    assert page is not None
    assert f"Nothing is trained or published: {standing.REMOVED}." in [t.what for t in page.alerts if t.grave]
    with pytest.raises(RegistryError, match="is stopped"):
        train_now(house.services, 1)


def test_a_training_that_was_under_way_publishes_nothing(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    from backend.learning import methods

    connected(house)
    train = methods.train

    def removed_meanwhile(*arguments: Any, **more: Any) -> Any:
        house.registry.projects.configure(1, settings={"stopped": standing.REMOVED})
        return train(*arguments, **more)

    monkeypatch.setattr(methods, "train", removed_meanwhile)
    house.label(1)
    house.work()
    assert len(house.registry.versions.history(1, "clip")) == 1, "it had begun"
    assert house.studio.predictions == {}


@pytest.mark.parametrize("row", [BACKEND, {**BACKEND, "id": 9}, {**BACKEND, "url": BACKEND["url"] + "/"}])
def test_a_model_that_is_back_goes_on(house: House, row: dict[str, Any]) -> None:
    connected(house)
    house.studio.rows_of_backends.clear()
    for _ in range(2):
        sweep(house)
    house.label(1)
    house.studio.rows_of_backends.append({**row, "title": "hares"})
    assert sweep(house).stopped is None
    house.work()
    assert {p["model_version"] for p in house.studio.predictions.values()} == {"hares"}


def test_one_look_without_it_is_forgotten_when_it_is_there_again(house: House) -> None:
    connected(house)
    for rows in ([], [BACKEND], []):
        house.studio.rows_of_backends[:] = rows
        assert sweep(house).stopped is None


@pytest.mark.parametrize("error", [StudioError("200, but a login page"), StudioForbidden("401")])
def test_an_odd_answer_stops_nothing(house: House, monkeypatch: pytest.MonkeyPatch, error: Exception) -> None:
    connected(house)

    def odd(number: int) -> Any:
        raise error

    monkeypatch.setattr(house.studio, "backends", odd)
    for _ in range(3):
        sweep(house)
    assert project(house).stopped is None
    assert "model_missing_since" not in project(house).settings


def test_a_project_that_label_studio_never_listed_us_for_goes_on(house: House) -> None:
    house.studio.rows_of_backends.clear()
    for _ in range(3):
        assert sweep(house).stopped is None


def test_what_label_studio_refuses_is_told_until_it_is_mended(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    connected(house)
    monkeypatch.setattr(house.studio, "project", refusing("Label Studio does not know this API key."))
    sweep(house)
    problem = project_status(house.services, 1)["problem"]
    assert "does not know this API key" in problem
    assert "micro-models connect --url URL --api-key KEY --project 1" in problem
    page = project_page(house.services, 1)
    assert page is not None
    assert any(t.grave and "--api-key KEY" in t.remedy for t in page.alerts)
    monkeypatch.undo()
    monkeypatch.setattr(connection, "protect", lambda *_: None)
    sweep(house)
    assert project_status(house.services, 1)["problem"] is None


def refusing(why: str) -> Callable[[int], Any]:
    def refuse(number: int) -> Any:
        raise StudioForbidden(why)

    return refuse


@pytest.mark.parametrize(("url", "taken"), [("http://studio.test", True), ("http://other.test", False)])
def test_the_environments_key_takes_over_for_the_same_label_studio_only(
    house: House, monkeypatch: pytest.MonkeyPatch, url: str, taken: bool
) -> None:
    """The environment of the house has the key "key" for http://studio.test."""
    stored = {"url": url, "api_key": "ran out"}
    house.registry.projects.configure(1, settings=stored)
    good = house.studio

    class Refusing:
        project = staticmethod(refusing("ran out"))

    tried = list[tuple[str, str]]()

    def connect(at: str, key: str) -> Any:
        tried.append((at, key))
        return good if key == "key" else Refusing()

    object.__setattr__(house.services, "connect_studio", connect)
    sweep(house)
    assert (house.services.access(project(house)).key == "key") is taken
    assert (("http://studio.test", "key") in tried) is taken
    if taken:
        sweep(house)
        assert standing.PROBLEM not in project(house).settings


def test_a_project_connected_on_the_model_page_gets_its_secret(house: House, protected: Protected) -> None:
    house.studio.rows_of_backends.insert(0, {"id": 5, "url": "http://other:1", "title": "another"})
    setup(house.services, 1, CONFIG, None, host="backend.test:9090")
    found = sweep(house).settings
    assert protected == [(BACKEND["url"], found["webhook_secret"])]
    assert (found["backend_id"], found["backend_url"], found["title"]) == (1, BACKEND["url"], "micro-models")
    assert "next_secret" not in found
    sweep(house)
    assert len(protected) == 1
    assert project_status(house.services, 1)["remark"] is None


@pytest.mark.parametrize("host", ["", "elsewhere:9090"])
def test_a_backend_that_may_be_another_gets_no_secret_and_people_are_told(
    house: House, protected: Protected, host: str
) -> None:
    setup(house.services, 1, CONFIG, None, host=host)
    sweep(house)
    assert protected == []
    assert "Not protected" in project_status(house.services, 1)["remark"]
    page = project_page(house.services, 1)
    assert page is not None
    [told] = [t for t in page.alerts if "Not protected" in t.what]
    assert "micro-models connect --project 1" in told.remedy


def test_a_webhook_that_cannot_be_protected_is_tried_again(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    setup(house.services, 1, CONFIG, None, host="backend.test:9090")
    tried = list[str]()

    def refuse(studio: Any, project: int, url: str, secret: str) -> None:
        tried.append(secret)
        raise StudioError("private address")

    monkeypatch.setattr(connection, "protect", refuse)
    for _ in range(2):
        assert "webhook_secret" not in sweep(house).settings
    assert len(tried) == 2
    assert tried[0] == tried[1], "one that Label Studio may have taken after all stays good"


def during(house: House, monkeypatch: pytest.MonkeyPatch, happens: Callable[[], object]) -> None:
    """Something happens while Label Studio makes its list of backends, which takes as long as each of them answers."""
    listed = list(house.studio.rows_of_backends)

    def backends(number: int) -> Any:
        monkeypatch.setattr(house.studio, "backends", lambda number: list(house.studio.rows_of_backends))
        happens()
        return listed

    monkeypatch.setattr(house.studio, "backends", backends)


@pytest.mark.parametrize("known", [{}, {"model_missing_since": 5.0}, {"title": "as it was called"}])
def test_who_disconnects_while_a_sweep_asks_label_studio_stays_disconnected(
    house: House, monkeypatch: pytest.MonkeyPatch, known: dict[str, Any]
) -> None:
    connected(house)
    house.registry.projects.configure(1, settings=known)
    monkeypatch.setattr(connection, "remove", lambda *_: house.studio.rows_of_backends.clear() or [])
    during(house, monkeypatch, lambda: disconnect_project(house.services, 1))
    for _ in range(3):
        assert sweep(house).stopped == standing.DISCONNECTED
    assert "backend_id" not in project(house).settings


def test_who_forgets_a_project_while_a_sweep_asks_label_studio_has_it_forgotten(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    during(house, monkeypatch, lambda: forget_project(house.services, 1))
    house.now += 300
    sweep_project(house.services, 1)
    assert house.registry.projects.all() == []
    assert house.registry.tasks.ids(1) == set()


def test_a_row_that_label_studio_saves_again_after_a_disconnection_goes_again(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    removed = list[int]()

    def remove_backend(number: int) -> None:
        removed.append(number)
        house.studio.rows_of_backends[:] = [r for r in house.studio.rows_of_backends if r["id"] != number]

    monkeypatch.setattr(house.studio, "remove_backend", remove_backend, raising=False)
    monkeypatch.setattr(connection, "remove", lambda *_: house.studio.rows_of_backends.clear() or [])
    connected(house)
    disconnect_project(house.services, 1)
    other = {**BACKEND, "url": "http://other:1"}
    house.studio.rows_of_backends[:] = [BACKEND]
    setup(house.services, 1, CONFIG, None, host="backend.test:9090")
    assert sweep(house).stopped == standing.DISCONNECTED
    assert (removed, house.studio.rows_of_backends) == ([BACKEND["id"]], [])
    house.studio.rows_of_backends[:] = [other]
    assert sweep(house).stopped == standing.DISCONNECTED
    assert house.studio.rows_of_backends == [other], "of another Label Studio: that of a number alone is nobody's"
    house.studio.rows_of_backends[:] = [{**BACKEND, "id": 9}]
    assert sweep(house).stopped is None, "somebody connected it anew"
    assert standing.LEFT not in project(house).settings


def test_a_call_that_was_under_way_lifts_no_disconnection(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connection, "remove", lambda *_: [])
    connected(house)
    disconnect_project(house.services, 1)
    object.__setattr__(house.services, "connect_studio", None)
    object.__setattr__(house.services.settings, "label_studio_url", "")
    setup(house.services, 1, CONFIG, None, host="backend.test:9090")
    assert project(house).stopped == standing.DISCONNECTED
    house.now += standing.UNDER_WAY_SECONDS
    setup(house.services, 1, CONFIG, None, host="backend.test:9090")
    assert project(house).stopped is None, "without a key a call is all that tells of a new connection"


def test_setup_again_sends_a_stopped_project_for_a_look(house: House) -> None:
    connected(house)
    house.registry.projects.configure(1, settings={"stopped": standing.DISCONNECTED, "backend_id": None})
    house.queue.projects.clear()
    setup(house.services, 1, CONFIG, None, host="backend.test:9090")
    assert set(house.queue.projects) == {1}
    assert project(house).stopped, "only Label Studio's list lifts it"
    assert sweep(house).stopped is None
