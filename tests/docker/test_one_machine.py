"""compose.yml on a real Docker engine: up with one command, five labels, predictions; down and up again keeps all.

`make compose-test`; not part of `make test`: the images take a while, and the ports 8080 and 9090 must be free.
"""

import time
from collections.abc import Iterator
from contextlib import closing

import pytest

from backend.demo.annotator import Annotator, rectangle_config
from backend.demo.data_set import DataSet
from backend.studio.client import Studio
from backend.studio.labeling_config import parse
from backend.studio.tags import for_control
from tests.docker.engine import Engine, missing
from tests.docker.test_compose import load
from tests.end_to_end.clips import moving_square
from tests.end_to_end.work import until

pytestmark = [pytest.mark.compose, pytest.mark.slow]
UP_SECONDS = 420.0
"""Label Studio makes its database at its first start: half a minute on two idle cores."""
CONNECTED_SECONDS = 15.0
PREDICTED_SECONDS = 600.0
LABELLED = (0, 5, 11, 17, 23)
TOKEN = load("compose.yml")["services"]["label-studio"]["environment"]["LABEL_STUDIO_USER_TOKEN"]


@pytest.fixture(scope="module")
def engine() -> Iterator[Engine]:
    """An engine with the images of this checkout, and nothing of an earlier run."""
    if reason := missing():
        pytest.skip(reason)
    with Engine() as engine:
        engine.make_images()
        engine.compose("down", "--volumes")
        yield engine
        engine.compose("down", "--volumes")


@pytest.fixture(scope="module")
def studio(engine: Engine) -> Iterator[Studio]:
    """Label Studio as compose.yml starts it."""
    with closing(Studio("http://localhost:8080", TOKEN)) as client:
        up(engine)
        yield client


def up(engine: Engine) -> None:
    """Up, until all three run; each is started once those that it needs are healthy."""
    began = time.monotonic()
    engine.compose("up", "--detach", "--no-build")
    running = ("ps", "--services", "--filter", "status=running")
    until(lambda: len(engine.compose(*running).stdout.split()) == 3, lambda: engine.compose("ps").stdout, UP_SECONDS)
    print(f"up after {time.monotonic() - began:.0f} s")


@pytest.fixture(scope="module")
def frames(tmp_path_factory: pytest.TempPathFactory) -> DataSet:
    return moving_square(tmp_path_factory.mktemp("compose") / "frames", 24)


@pytest.fixture(scope="module")
def project(studio: Studio, frames: DataSet) -> int:
    return Annotator(studio).create_project("compose", rectangle_config(frames.classes))


@pytest.fixture(scope="module")
def tasks(studio: Studio, project: int, frames: DataSet) -> list[int]:
    return Annotator(studio).upload(project, frames)


def label(studio: Studio, frames: DataSet, tasks: list[int], *positions: int) -> None:
    control = parse(rectangle_config(frames.classes)).require()[0]
    for position in positions:
        truth = frames.frames[position].truth or ()
        studio.annotate(tasks[position], for_control(control).write(truth, control, (frames.width, frames.height)))


def predicted(studio: Studio, project: int, tasks: list[int], labelled: int) -> bool:
    """Whether every other task has its one prediction."""
    found = Annotator(studio).predictions(project)
    return sum(len(found.get(task, ())) == 1 for task in tasks) >= len(tasks) - labelled


def test_a_project_is_connected_by_itself_soon(engine: Engine, studio: Studio, project: int) -> None:
    began = time.monotonic()
    until(lambda: studio.backends(project), lambda: engine.compose("logs", "connect").stdout[-2000:], CONNECTED_SECONDS)
    print(f"connected after {time.monotonic() - began:.1f} s")
    assert studio.backends(project)[0]["url"].startswith("http://backend.internal:9090")
    assert studio.webhooks(project)


def test_five_labels_bring_predictions(
    engine: Engine, studio: Studio, project: int, tasks: list[int], frames: DataSet
) -> None:
    label(studio, frames, tasks, *LABELLED)
    began = time.monotonic()

    def logs() -> str:
        return engine.compose("logs", "--tail", "40", "backend").stdout

    until(lambda: predicted(studio, project, tasks, len(LABELLED)), logs, PREDICTED_SECONDS)
    print(f"predictions {time.monotonic() - began:.0f} s after the fifth label")


def test_down_and_up_again_keeps_all(
    engine: Engine, studio: Studio, project: int, tasks: list[int], frames: DataSet
) -> None:
    before = Annotator(studio).predictions(project)
    engine.compose("down")
    up(engine)
    until(lambda: reached(studio, project), "Label Studio to answer", UP_SECONDS)
    assert Annotator(studio).predictions(project) == before
    rows = list(studio.tasks(project))
    assert sum(bool(row["annotations"]) for row in rows) == len(LABELLED)
    label(studio, frames, tasks, 3)

    def renewed() -> bool:
        return Annotator(studio).predictions(project) != before

    until(renewed, lambda: engine.compose("logs", "--tail", "40", "backend").stdout, PREDICTED_SECONDS)


def reached(studio: Studio, project: int) -> bool:
    try:
        return bool(studio.project(project))
    except Exception:  # it is starting
        return False


def test_nothing_is_written_outside_of_the_volumes(engine: Engine) -> None:
    changed = engine.run("docker", "diff", "micro-models-test_backend_1").stdout.split("\n")
    assert [line for line in changed if line.strip() and "/data" not in line and "/files" not in line] == []
