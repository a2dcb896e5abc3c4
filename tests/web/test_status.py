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


def test_a_missing_project_is_a_client_error(client: TestClient) -> None:
    assert client.get("/status").status_code == 422


def test_metrics_count_requests_and_groups(client: TestClient, house: House) -> None:
    client.get("/health")
    text = client.get("/metrics").text
    assert 'micro_models_request_seconds_count{path="/health",status="200"} 1.0' in text
    assert 'micro_models_groups{state="idle"} 1.0' in text
