"""Smart tools over HTTP: whoever draws gets an answer that the editor can take, whatever happens."""

import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from fastapi.testclient import TestClient

from backend.loop.predict.prompted import Prompter
from tests.loop.house import CONFIG, House, box_of

NOTHING = {"result": [], "score": 0.0}


def ask(client: TestClient, house: House, task: int, context: Any, project: Any = "1.1795391199") -> Any:
    tasks = [{"id": task, "data": house.studio.rows[task]["data"], "annotations": [], "drafts": []}]
    params = {"login": None, "password": None, "context": context}
    body = {"tasks": tasks, "project": project, "label_config": CONFIG, "params": params}
    answer = client.post("/predict", json=body)
    assert answer.status_code == 200
    [found] = answer.json()["results"]
    return found


def test_a_drawn_box_is_answered_by_the_box_of_that_object(client: TestClient, house: House) -> None:
    [item] = ask(client, house, 2, {"result": box_of(2)})["result"]
    assert (item["from_name"], item["type"]) == ("label", "rectanglelabels")
    assert item["value"]["rectanglelabels"] == ["square"]
    assert item["id"] != "r2"


@pytest.mark.parametrize("context", [{"result": []}, {"event": "prewarm"}, {"result": "x"}, {"result": [{"type": {}}]}])
def test_what_cannot_be_answered_is_answered_by_nothing(client: TestClient, house: House, context: Any) -> None:
    assert ask(client, house, 2, context) == NOTHING


def test_fifty_at_once_are_all_answered(client: TestClient, house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    go = threading.Event()

    def wait(*_: object) -> dict[str, Any]:
        go.wait(20)
        return {"result": [{"id": "x"}], "score": 1.0}

    monkeypatch.setattr(Prompter, "answer", wait)
    with client, ThreadPoolExecutor(50) as pool:
        asked = [pool.submit(ask, client, house, 2, {"result": box_of(2)}) for _ in range(50)]
        late = [one for one in asked if _soon(one)]
        go.set()
        answers = [one.result() for one in asked]
    assert late, "those who came while others waited have an answer before them"
    assert all(one.result() == NOTHING for one in late)
    assert {"result": [{"id": "x"}], "score": 1.0} in answers


def _soon(future: Any) -> bool:
    try:
        future.result(timeout=0.2)
    except TimeoutError:
        return False
    return True
