from fastapi.testclient import TestClient

from tests.loop.house import House


def test_an_unknown_project_says_what_to_do(client: TestClient) -> None:
    answer = client.get("/status", params={"project": 9}).json()
    assert answer["groups"] == []
    assert "micro-models connect" in answer["problem"]


def test_the_contract(client: TestClient, house: House) -> None:
    [group] = client.get("/status", params={"project": 1}).json()["groups"]
    assert group["group"] == "clip"
    assert (group["state"], group["labelled"], group["trained_labels"], group["version"]) == ("idle", 0, 0, None)
    house.label(1)
    [group] = client.get("/status", params={"project": 1}).json()["groups"]
    assert (group["state"], group["labelled"]) == ("queued", 1)


def test_a_project_that_label_studio_does_not_have(client: TestClient, house: House) -> None:
    def seen() -> tuple[object, str, str]:
        status = client.get("/status", params={"project": 1}).json()
        return status["gone_since"], status["problem"] or "", client.get("/").text

    assert seen()[:2] == (None, "")
    assert "/projects/1" in seen()[2]
    house.registry.projects.note_missing(1, 0.0, 50.0)
    assert "since 1970-01-01 00:00 UTC that it has no project 1" in seen()[1]
    house.registry.projects.note_missing(1, 60.0, 50.0)
    gone_since, problem, page = seen()
    assert gone_since == 0.0
    assert "micro-models forget --project 1" in problem
    assert "micro-models forget --project 1" in page
    house.registry.projects.note_found(1)
    assert seen()[:2] == (None, "")


def test_a_missing_project_is_a_client_error(client: TestClient) -> None:
    assert client.get("/status").status_code == 422


def test_metrics_count_requests_and_groups(client: TestClient, house: House) -> None:
    client.get("/health")
    text = client.get("/metrics").text
    assert 'micro_models_request_seconds_count{path="/health",status="200"} 1.0' in text
    assert 'micro_models_groups{state="idle"} 1.0' in text
