"""A project connected, removed and connected again on Label Studio's own Model page, with no command of ours."""

import httpx
import pytest

from backend.demo.annotator import Annotator, rectangle_config
from backend.studio.checks import SECRET_HEADER
from backend.studio.client import Studio
from tests.end_to_end.conftest import BackendFactory
from tests.end_to_end.work import until

pytestmark = [pytest.mark.slow, pytest.mark.label_studio]
SECONDS = 120.0


def test_the_model_page_is_enough(backend: BackendFactory, studio: Studio, person: Annotator) -> None:
    server = backend(MICRO_MODELS_SWEEP_SECONDS="2")
    project = person.create_project("by hand", rectangle_config(("thing",)))
    row = studio.connect_backend(project, server.url, "hares")

    def secrets() -> list[str]:
        mine = [hook for hook in studio.webhooks(project) if hook["url"] == f"{server.url}/webhook"]
        return [hook["headers"][SECRET_HEADER] for hook in mine if SECRET_HEADER in (hook["headers"] or {})]

    until(lambda: len(secrets()) == 1, lambda: f"a secret on the webhook; {server.status(project)}", SECONDS)
    until(lambda: server.status(project)["remark"] is None, "the backend to demand it", SECONDS)
    event = {"action": "TASKS_DELETED", "project": {"id": project, "label_config": ""}, "tasks": [{"id": 1}]}
    assert httpx.post(f"{server.url}/webhook", json=event, trust_env=False).status_code == 401
    sent = httpx.post(f"{server.url}/webhook", json=event, headers={SECRET_HEADER: secrets()[0]}, trust_env=False)
    assert sent.status_code == 200

    assert row["id"] in [one["id"] for one in studio.backends(project)]

    def is_removed() -> bool:
        """As a person does it who looks again: a list that a sweep asks for meanwhile brings the deleted row back."""
        for back in (rows := studio.backends(project)):
            studio.remove_backend(back["id"])
        return not rows

    def has_stopped() -> bool:
        return is_removed() and server.status(project)["stopped"] is not None

    until(has_stopped, lambda: f"the backend to stop; {server.status(project)}", SECONDS)
    assert len(secrets()) == 1, "Label Studio leaves the webhook"
    assert "removed in Label Studio" in server.status(project)["problem"]

    studio.connect_backend(project, server.url, "hares again")
    until(lambda: server.status(project)["stopped"] is None, "the backend to go on", SECONDS)
    until(lambda: server.status(project)["model_version"] == "hares again", "its new title", SECONDS)
