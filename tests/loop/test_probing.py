"""Whether a command and the running backend share a registry, asked over HTTP of the real application."""

import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import uvicorn

from backend.loop import probing
from backend.loop.services import Services
from backend.studio.checks import Check
from backend.web.app import create_app
from model_registry import ProjectRecord
from tests.loop.house import House


class Running:
    """The application on a port of its own."""

    def __init__(self, services: Services) -> None:
        config = uvicorn.Config(create_app(services), host="127.0.0.1", port=0, log_level="error", lifespan="off")
        self.server = uvicorn.Server(config)
        self.thread = threading.Thread(target=self.server.run)
        self.thread.start()
        while not self.server.started:
            assert self.thread.is_alive()
            threading.Event().wait(0.01)
        self.url = f"http://127.0.0.1:{self.server.servers[0].sockets[0].getsockname()[1]}"

    def stop(self) -> None:
        self.server.should_exit = True
        self.thread.join()


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    house = House(tmp_path)
    yield house
    house.registry.close()


@pytest.fixture
def running(house: House) -> Iterator[Running]:
    server = Running(house.services)
    yield server
    server.stop()


def known(house: House, **settings: object) -> ProjectRecord:
    return house.registry.projects.configure(1, settings={"webhook_secret": "a secret", **settings})


def judged(services: Services, record: ProjectRecord, url: str) -> Check:
    return probing.judge(services, record, probing.ask(services, record, url))


def test_the_same_registry(house: House, running: Running) -> None:
    check = judged(house.services, known(house), running.url + "/")
    assert check.ok
    assert not check.fix


def test_a_secret_that_is_only_just_being_given_proves_it_too(house: House, running: Running) -> None:
    record = house.registry.projects.configure(1, settings={"next_secret": "new"})
    assert not probing.ask(house.services, record, running.url).is_stranger


@pytest.mark.parametrize("secret", ["another secret", None])
def test_another_registry(house: House, running: Running, secret: str | None) -> None:
    known(house)
    ours = ProjectRecord(1, settings={"webhook_secret": secret} if secret else {})
    answer = probing.ask(house.services, ours, running.url)
    assert answer.is_stranger
    check = probing.judge(house.services, ours, answer)
    assert not check.ok
    assert "another secret" in check.message
    assert f"MICRO_MODELS_DATA_DIR={house.settings.folder}" in check.fix


def test_a_project_that_the_backend_does_not_know(house: House, running: Running) -> None:
    check = judged(house.services, ProjectRecord(2, settings={"webhook_secret": "s"}), running.url)
    assert "does not know project 2" in check.message
    assert house.registry.projects.all() == [], "asking makes no project"


def test_a_backend_without_a_key(house: House) -> None:
    pull = replace(house.services, settings=house.settings.model_copy(update={"label_studio_url": ""}))
    server = Running(pull)
    try:
        check = judged(pull, known(house), server.url)
    finally:
        server.stop()
    assert not check.ok
    assert "--api-key" in check.fix


def test_a_stopped_project(house: House, running: Running) -> None:
    check = judged(house.services, known(house, stopped="removed"), running.url)
    assert not check.ok
    assert "removed" in check.message


def test_neither_secret_nor_key_is_told(house: House) -> None:
    known(house, api_key="the key", next_secret="the next")
    told = str(probing.answer(house.services, 1, "n" * 20))
    assert not any(word in told for word in ("a secret", "the key", "the next"))
    assert (
        probing.answer(house.services, 1, "n" * 20)["proofs"] != probing.answer(house.services, 1, "m" * 20)["proofs"]
    )


def test_nobody_there_is_no_failure_but_not_sure(house: House) -> None:
    check = judged(house.services, known(house), "http://127.0.0.1:9")
    assert check.ok
    assert "micro-models check --project 1" in check.fix


def test_a_name_that_only_containers_know_is_this_machine(house: House, running: Running) -> None:
    port = running.url.rsplit(":", 1)[1]
    assert judged(house.services, known(house), f"http://host.docker.internal:{port}").ok


def test_credentials_are_needed_where_the_backend_demands_them(house: House) -> None:
    record = known(house)
    demanded = {"basic_auth_user": "u", "basic_auth_password": house.settings.label_studio_api_key}
    guarded = replace(house.services, settings=house.settings.model_copy(update=demanded))
    server = Running(guarded)
    try:
        without, with_ = judged(house.services, record, server.url), judged(guarded, record, server.url)
    finally:
        server.stop()
    assert not without.ok
    assert "MICRO_MODELS_BASIC_AUTH_USER" in without.fix
    assert with_.ok
