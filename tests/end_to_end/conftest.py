"""A real Label Studio, the backend, and a browser, for the tests that look at all of it from outside."""

import itertools
import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from backend.demo.annotator import Annotator
from backend.demo.backend_server import BackendServer
from backend.demo.label_studio_server import LabelStudioServer
from backend.demo.stopping import interrupted_by_signals
from backend.studio.client import Studio
from tests.end_to_end import browser as browsing
from tests.end_to_end.scaled import ScaledBackend, shared_settings
from tests.engines import S3Server, own_schema, postgres_at_hand, redis_at_hand

HERE = Path(__file__).parent
ROOT = HERE.parents[1]

BackendFactory = Callable[..., BackendServer | ScaledBackend]


def label_studio_venv() -> Path:
    """Label Studio's own environment."""
    return Path(os.environ.get("LABEL_STUDIO_VENV", ROOT / ".venv-label-studio"))


@pytest.fixture(scope="session")
def label_studio(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LabelStudioServer]:
    """Started once: the first start takes most of a minute. Each test makes projects of its own."""
    venv = label_studio_venv()
    if not (venv / "bin" / "label-studio").exists():
        pytest.skip(f"no Label Studio in {venv}: run `make install-label-studio`")
    # SIGTERM too ends pytest in order, so that no server outlives it.
    with interrupted_by_signals(), LabelStudioServer(tmp_path_factory.mktemp("label-studio"), venv) as server:
        yield server


@pytest.fixture(scope="session")
def studio(label_studio: LabelStudioServer) -> Iterator[Studio]:
    """Label Studio's API."""
    client = Studio(label_studio.url, label_studio.token)
    yield client
    client.close()


@pytest.fixture(scope="session")
def person(studio: Studio) -> Annotator:
    """Somebody who labels."""
    return Annotator(studio)


@pytest.fixture(scope="module")
def backend(label_studio: LabelStudioServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[BackendFactory]:
    """Starts backends, each on a port of its own; `backend(folder=...)` names the data folder, other names are its
    environment. All are stopped after the module's tests."""
    started: list[BackendServer] = []

    def start(folder: Path | None = None, **env: str) -> BackendServer:
        place = folder or tmp_path_factory.mktemp("backend") / "data"
        server = BackendServer(place, label_studio.url, label_studio.token, extra_env=env)
        started.append(server)
        server.start()
        return server

    yield start
    for server in started:
        server.stop()


@pytest.fixture(scope="module", params=["embedded", "scaled"])
def deployment(
    request: pytest.FixtureRequest, label_studio: LabelStudioServer, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[BackendFactory]:
    """Starts backends, on one machine; then as two servers and three workers on Redis, PostgreSQL and S3."""
    if request.param == "embedded":
        yield request.getfixturevalue("backend")
        return
    with ExitStack() as stack:
        s3, postgres = stack.enter_context(S3Server()), stack.enter_context(postgres_at_hand())
        started = itertools.count()

        def start(**env: str) -> ScaledBackend:
            redis = stack.enter_context(redis_at_hand(next(started)))
            settings = shared_settings(redis, stack.enter_context(own_schema(postgres)), s3.endpoint) | env
            folder = tmp_path_factory.mktemp("scaled")
            return stack.enter_context(ScaledBackend(folder, label_studio.url, label_studio.token, settings))

        yield start


@pytest.fixture(scope="session")
def browser(label_studio: LabelStudioServer) -> Iterator[browsing.Browser]:
    """Chromium, logged in."""
    if reason := browsing.missing():
        pytest.skip(reason)
    with browsing.Browser(label_studio.url, HERE / "screenshots") as window:
        window.login(label_studio.email, label_studio.password)
        yield window
