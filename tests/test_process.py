"""Making a process of the service: what is said of a worker that does not come up."""

import sys
import threading
from pathlib import Path

from backend.jobs.supervisor import Supervisor
from backend.loop.worker.health import worker_problem
from backend.process import note_death
from model_registry import Lease
from tests.loop.house import House


def test_a_worker_that_cannot_start_is_told_of_with_its_last_words(tmp_path: Path) -> None:
    house, noted = House(tmp_path), threading.Event()
    house.registry.workers.starting("here")
    code = "import sys; print('some line', file=sys.stderr); sys.exit('no torch in this house')"

    def died(pid: int | None, why: str) -> None:
        note_death(house.services, "here", pid, why)
        noted.set()

    supervisor = Supervisor([sys.executable, "-c", code], died)
    supervisor.start()
    try:
        assert noted.wait(60)
    finally:
        supervisor.stop()
    house.now += 90
    said = str(worker_problem(house.services))
    assert said.startswith("No worker runs since 90 s: ended with exit code 1")
    assert said.endswith("some line\nno torch in this house")
    house.registry.close()


def test_the_groups_of_a_dead_worker_are_free_at_once(tmp_path: Path) -> None:
    house = House(tmp_path)
    house.add_project()
    house.add_task(1)
    from backend.process import worker_name

    assert house.registry.leases.take(Lease(1, "clip", worker_name(4711)), 1000)
    note_death(house.services, "here", 4711, "killed by SIGKILL")
    assert house.registry.leases.take(Lease(1, "clip", "another"), 1000)
    house.registry.close()
