"""Whether the backend is ready, as a probe asks; and that pages say when it is not."""

from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from backend.web.app import create_app
from model_registry.records import SILENT_SECONDS
from tests.loop.house import House
from tests.web.test_dashboard import page


def test_it_is_ready_with_a_worker(client: TestClient, house: House) -> None:
    assert client.get("/ready").status_code == 503
    house.registry.workers.seen("a", house.now)
    answer = client.get("/ready")
    assert (answer.status_code, answer.json()) == (200, {"status": "ready", "why": []})


def test_a_dead_worker_is_told_everywhere_with_its_last_error(client: TestClient, house: House) -> None:
    house.registry.workers.seen("a", house.now, error="the reconciler: <b>locked</b>")
    house.label(1)
    house.now += SILENT_SECONDS + 28.5
    said = "No worker runs since 90 s: the reconciler: <b>locked</b>"
    answer = client.get("/ready")
    assert (answer.status_code, answer.json()["why"]) == (503, [said])
    assert client.get("/status", params={"project": 1}).json()["worker_problem"] == said
    assert client.get("/status", params={"project": 7}).json()["worker_problem"] == said
    for path in ("/", "/projects/1", "/projects/1/groups/clip"):
        text = page(client, path).text
        assert said in text, path
        assert "micro-models worker" in text
    assert client.get("/health").json()["status"] == "UP"


def test_the_end_of_the_trouble_is_told_nowhere(client: TestClient, house: House) -> None:
    house.registry.workers.seen("a", house.now, error="the reconciler: locked")
    house.registry.workers.ended("a", "killed by SIGKILL")
    assert "SIGKILL" in page(client, "/").text
    house.registry.workers.seen("a", house.now)
    assert "No worker" not in page(client, "/").text
    assert client.get("/ready").status_code == 200


def test_without_a_project_the_first_page_tells_it_too(tmp_path: Path) -> None:
    house = House(tmp_path)
    assert "No worker has run yet" in page(TestClient(create_app(house.services)), "/").text
    house.registry.close()


def test_a_full_disk_is_told(tmp_path: Path) -> None:
    house = House(tmp_path, disk_floor_mb=10**9)
    house.registry.workers.seen("a", house.now)
    client = TestClient(create_app(house.services))
    assert "expected 1000000000 MB" in client.get("/ready").json()["why"][0]
    assert "expected 1000000000 MB" in page(client, "/").text
    house.registry.close()


@pytest.fixture
def guarded(tmp_path: Path) -> House:
    return House(tmp_path, basic_auth_user="u", basic_auth_password="p")


def test_a_probe_without_a_password_is_told_less(guarded: House) -> None:
    guarded.registry.workers.seen("a", guarded.now, error="secret place")
    guarded.now += SILENT_SECONDS + 29.5
    client = TestClient(create_app(guarded.services))
    assert client.get("/ready").json()["why"] == ["No worker runs since 90 s."]
    assert "secret place" in client.get("/ready", auth=("u", "p")).json()["why"][0]
    guarded.registry.close()


def test_a_registry_that_cannot_be_read_is_told(client: TestClient, house: House) -> None:
    registry = house.settings.folder / "registry.db"
    for file in registry.parent.glob("registry.db*"):
        file.write_bytes(b"garbage" * 10_000)
    house.registry.close()  # connections of their own see it as it is now
    answer = client.get("/ready")
    assert answer.status_code == 503
    assert "micro-models restore DIR" in answer.json()["why"][0]
    answer = client.get("/", headers={"accept": "text/html"})
    assert answer.status_code == 503
    assert "micro-models restore DIR" in answer.text
    assert client.get("/health").json()["status"] == "UP"
    assert "micro_models_disk_left_bytes" in client.get("/metrics").text


def test_metrics_tell_of_workers_waits_and_the_disk(client: TestClient, house: House) -> None:
    house.registry.workers.seen("a", house.now)
    house.label(1)
    house.now += 30
    text = client.get("/metrics").text
    figures = dict(line.rsplit(" ", 1) for line in text.splitlines() if not line.startswith("#"))
    assert float(figures["micro_models_workers_alive"]) == 1
    assert float(figures["micro_models_queue_depth"]) == house.queue.waiting() > 0
    assert 29 < float(figures["micro_models_oldest_wait_seconds"]) < 33
    assert float(figures["micro_models_disk_left_bytes"]) > 0
    assert float(figures['micro_models_groups{state="queued"}']) == 1
    assert float(figures['micro_models_groups{state="failed"}']) == 0


def test_metrics_count_events_that_changed_nothing(client: TestClient, house: House) -> None:
    house.registry.projects.configure(1, settings={"webhook_secret": "s"})
    client.post("/webhook", json={"action": "ANNOTATION_CREATED", "project": {"id": 1}})
    client.post(
        "/webhook", json={"action": "SOMETHING_ELSE", "project": {"id": 1}}, headers={"X-Micro-Models-Secret": "s"}
    )
    text = client.get("/metrics").text
    assert 'micro_models_refused_events_total{why="401"} 1.0' in text
    assert 'micro_models_refused_events_total{why="ignored"} 1.0' in text
