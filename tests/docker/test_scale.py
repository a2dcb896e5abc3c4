"""compose.scale.yml on a real Docker engine: the loop through the proxy, then faults on the network and of machines.

Whatever fails: no label of Label Studio's is missing in the registry afterwards, all are learnt, and each frame without
one has its one prediction. Part of `make compose-test`.
"""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager

import httpx
import pytest
import yaml

from backend.studio.client import Studio
from tests.docker.composed import ADDRESS, BACKEND, TOKEN, Composed
from tests.docker.composition import Composition
from tests.docker.engine import Engine
from tests.end_to_end.clips import moving_square
from tests.end_to_end.work import until

pytestmark = [pytest.mark.compose, pytest.mark.slow]
FRAMES, SERVERS, WORKERS = 30, 2, 2
QUICK = {
    "MICRO_MODELS_EFFORT": "0.1",
    "MICRO_MODELS_THREADS": "1",
    "MICRO_MODELS_QUIET_SECONDS": "0.2",
    "MICRO_MODELS_LEASE_SECONDS": "3",
    "MICRO_MODELS_SWEEP_SECONDS": "10",
}
"""Small trainings; what has failed is noticed soon."""
AWAY_SECONDS = 20.0
REACHES = "import socket, sys; socket.create_connection((sys.argv[1], int(sys.argv[2])), 2); print('reached')"
PORTS = {"postgres": 5432, "redis": 6379, "s3": 9000, "label-studio": 8080}


@pytest.fixture(scope="module")
def composition(engine: Engine) -> Iterator[Composition]:
    """compose.scale.yml, up; nothing of an earlier run."""
    quick = yaml.safe_dump({"services": {name: {"environment": QUICK} for name in ("server", "worker")}})
    made = Composition(engine, "compose.scale.yml", quick, (f"server={SERVERS}", f"worker={WORKERS}"))
    made.down()
    try:
        print(f"\nup after {made.up():.0f} s")
        yield made
    finally:
        made.down()


@pytest.fixture(scope="module")
def project(composition: Composition, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Composed]:
    frames = moving_square(tmp_path_factory.mktemp("scale") / "frames", FRAMES)
    with closing(Studio(ADDRESS, TOKEN)) as client:
        yield Composed(composition, client, frames)


def settled(project: Composed) -> float:
    """All is as it should be again; seconds until then."""
    took = project.wait_learnt("worker")
    known = registry(project, "SELECT id FROM labels WHERE project = {} AND deleted_at IS NULL")
    assert set(map(int, known)) == project.annotations()
    assert len(known) == len(project.labelled)
    assert not registry(project, "SELECT id FROM versions WHERE project = {} AND state = 'training'")
    return took


def registry(project: Composed, query: str) -> list[str]:
    """Rows of the shared registry; `{}` stands for the project."""
    command = ("psql", "-U", "postgres", "-d", "micro_models", "-Atc", query.format(project.project))
    return project.composition.inside("postgres", *command).split()


def reaches(project: Composed, service: str) -> bool:
    """Whether a worker gets a connection to the service."""
    words = ("python", "-c", REACHES, service, str(PORTS[service]))
    return "reached" in project.composition.inside("worker", *words, check=False)


@contextmanager
def load_on_servers() -> Iterator[list[tuple[float, bool]]]:
    """Two callers ask the proxy all the time; yields when each was answered, and whether it was."""
    stop, outcomes = threading.Event(), list[tuple[float, bool]]()

    def ask() -> None:
        while not stop.is_set():
            try:
                fine = httpx.get(f"{BACKEND}/health", timeout=30).status_code == 200
            except httpx.HTTPError:
                fine = False
            outcomes.append((time.monotonic(), fine))
            time.sleep(0.1)

    callers = [threading.Thread(target=ask) for _ in range(2)]
    for caller in callers:
        caller.start()
    try:
        yield outcomes
    finally:
        stop.set()
        for caller in callers:
            caller.join(40)


def test_the_loop_through_the_proxy(project: Composed) -> None:
    print(f"connected {project.wait_connected():.1f} s after it was made")
    assert len(project.composition.containers("server")) == SERVERS
    assert len(project.composition.containers("worker")) == WORKERS
    project.label(0, 7, 14, 21, 28)
    print(f"settled {settled(project):.0f} s after the fifth label")


@pytest.mark.parametrize(("service", "labelled"), [("postgres", (1, 2)), ("redis", (3, 4)), ("s3", (5, 6))])
def test_what_all_share_is_cut_off(project: Composed, service: str, labelled: tuple[int, int]) -> None:
    assert reaches(project, service)
    with load_on_servers() as outcomes, project.composition.cut_off(service):
        assert not reaches(project, service)
        slowest = max(project.label(*labelled))
        time.sleep(AWAY_SECONDS)
        assert not reaches(project, service)
    assert reaches(project, service)
    lost = sum(not fine for _, fine in outcomes)
    took = settled(project)
    print(f"{service} away: submit {slowest:.1f} s, {lost} of {len(outcomes)} calls lost, settled {took:.0f} s after")
    assert not lost


def test_label_studio_is_cut_off(project: Composed) -> None:
    assert reaches(project, "label-studio")
    with project.composition.cut_off("label-studio"):
        assert not reaches(project, "label-studio")
        project.label_inside(8, 9)  # nobody hears of these
        time.sleep(AWAY_SECONDS)
        assert not reaches(project, "label-studio")
    assert reaches(project, "label-studio")
    print(f"label-studio away: settled {settled(project):.0f} s after")


def test_a_server_killed_under_load(project: Composed) -> None:
    victim = project.composition.containers("server")[0]
    with load_on_servers() as outcomes:
        project.label(10)
        killed = time.monotonic()
        project.composition.kill(victim)
        project.label(11, 12)
        took = settled(project)
    lost = [moment - killed for moment, fine in outcomes if not fine]
    print(f"server killed: {len(lost)} of {len(outcomes)} calls lost, settled {took:.0f} s after")
    assert len(outcomes) > 50
    assert all(-1 < moment < 10 for moment in lost)


def test_a_worker_killed_in_training(project: Composed) -> None:
    project.label(13, 15)
    victim = until(lambda: trainer(project), lambda: str(project.status()), 60)
    project.composition.kill(victim)
    print(f"worker killed in training: settled {settled(project):.0f} s after")
    assert registry(project, "SELECT id FROM versions WHERE project = {} AND state = 'interrupted'")


def trainer(project: Composed) -> str | None:
    """The container that trains now, which the lease names by its host."""
    query = "SELECT g.lease_owner FROM groups g JOIN versions v ON v.project = g.project AND v.group = g.name"
    found = registry(project, query + " WHERE g.project = {} AND v.state = 'training' AND g.lease_owner IS NOT NULL")
    hosts = [owner.split(":")[0] for owner in found]
    return next((each for each in project.composition.containers("worker") if each[:12] in hosts), None)


def test_a_rolling_restart(project: Composed) -> None:
    positions = iter((16, 17, 18, 19))

    def one_by_one(service: str, wait: Callable[[str], object]) -> None:
        for container in project.composition.containers(service):
            project.label(next(positions))
            before = project.composition.inspect(container)["State"]["StartedAt"]
            project.composition.engine.run("docker", "restart", "--time", "30", container)
            assert project.composition.inspect(container)["State"]["StartedAt"] > before
            wait(container)

    def healthy(container: str) -> None:
        look = project.composition.inspect
        until(lambda: look(container)["State"]["Health"]["Status"] == "healthy", "a server to be well again", 120)

    with load_on_servers() as outcomes:
        one_by_one("server", healthy)
        one_by_one("worker", lambda _: None)
        took = settled(project)
    lost = sum(not fine for _, fine in outcomes)
    print(f"rolling restart: {lost} of {len(outcomes)} calls lost, settled {took:.0f} s after")
    assert not lost
