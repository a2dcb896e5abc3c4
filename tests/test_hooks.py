import inspect
from pathlib import Path
from typing import Any

import pytest

from backend.hooks import MicroModelBackend
from backend.loop.predict.on_demand import Predictor
from tests.loop.conftest import quick  # noqa: F401
from tests.loop.house import CONFIG, House


@pytest.fixture
def backend(tmp_path: Path) -> MicroModelBackend:
    house = House(tmp_path)
    house.add_project()
    house.add_task(1)
    return MicroModelBackend(house.services, Predictor(house.services), 1, CONFIG)


def test_signatures_are_those_of_label_studio_ml() -> None:
    """`predict(tasks, context, **kwargs)` and `fit(event, data, **kwargs)`, as LabelStudioMLBase 2.x declares them."""
    predict = inspect.signature(MicroModelBackend.predict).parameters
    fit = inspect.signature(MicroModelBackend.fit).parameters
    assert list(predict) == ["self", "tasks", "context", "kwargs"]
    assert predict["context"].default is None
    assert list(fit) == ["self", "event", "data", "vouched", "kwargs"]
    assert fit["vouched"].kind is inspect.Parameter.KEYWORD_ONLY, "ours; the framework does not know it"
    assert fit["vouched"].default is False


def test_fit_takes_events_by_name_and_returns_at_once(backend: MicroModelBackend) -> None:
    project = {"id": 1, "label_config": CONFIG}
    assert backend.fit("START_TRAINING", {"project": project}) == {"status": "received"}
    assert backend.fit("SOMETHING_NEW", {"project": project}, job_id="x") == {"status": "ignored"}


def test_predict_without_tasks(backend: MicroModelBackend) -> None:
    assert backend.predict([]) == []
    assert backend.predict([], context={"result": []}, login=None, password=None) == []


def test_without_a_project_the_one_with_this_labeling_config_answers(tmp_path: Path, quick: Any) -> None:  # noqa: F811
    house = House(tmp_path)
    house.add_project()
    for task in (1, 2):
        house.add_task(task)
    house.label(1)
    house.work()
    tasks = [{"id": 2, "data": house.studio.rows[2]["data"]}]

    def ask(config: str | None) -> list[Any]:
        return MicroModelBackend(house.services, Predictor(house.services), None, config).predict(tasks)

    assert ask(CONFIG)[0]["result"]
    assert ask("<View></View>") == ask(None) == [{}]
    house.registry.projects.configure(2, config=CONFIG)
    assert ask(CONFIG) == [{}], "which of the two is meant nobody can tell"


def test_hosted_under_label_studio_ml(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, quick: Any) -> None:  # noqa: F811
    """The framework's own web application calls our class. It is on its git host only, so usually this is skipped."""
    pytest.importorskip(
        "label_studio_ml.model", reason="label-studio-ml 2.x is not installed: it is on its git host only"
    )
    from label_studio_ml.api import init_app

    from backend import hosting

    house = House(tmp_path)
    house.add_project()
    for task in (1, 2):
        house.add_task(task)
    monkeypatch.setattr(hosting, "_rooms", lambda: (house.services, Predictor(house.services)))
    client = init_app(hosting.HostedMicroModelBackend).test_client()
    setup = client.post("/setup", json={"project": "1.5", "schema": CONFIG, "extra_params": None})
    assert setup.json == {"model_version": "micro-models"}
    tasks = [{"id": n, "data": house.studio.rows[n]["data"]} for n in (1, 2)]
    request = {"tasks": tasks, "project": "1.5", "label_config": CONFIG, "params": {"context": None}}
    assert client.post("/predict", json=request).json == {"results": [[], []]}
    house.label(1)
    house.work()
    answer = client.post("/predict", json=request).json["results"]
    assert answer[1]["result"][0]["type"] == "rectanglelabels"
    nameless = {"tasks": [{"data": {}}], "label_config": "<View></View>"}  # as the framework's own test template asks
    assert client.post("/predict", json=nameless).json == {"results": [{}]}
    event = {"action": "START_TRAINING", "project": {"id": 1, "label_config": CONFIG}}
    assert client.post("/webhook", json=event).json["result"] == {"status": "received"}
