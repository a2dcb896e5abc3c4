"""The process that consumes the queue: nothing that goes wrong in it ends it."""

from pathlib import Path

from structlog.testing import capture_logs

from backend.cancel import CancelSource
from backend.jobs.complaints import Complaints
from backend.jobs.queue import Handlers, HueyQueue, sqlite_storage
from backend.jobs.worker import work

NOTHING = Handlers(run_groups=lambda: None, sweep=lambda project: None)


def test_a_look_round_that_fails_goes_on_and_is_said_once(tmp_path: Path) -> None:
    stop, rounds = CancelSource(), list[int]()

    def tick() -> None:
        rounds.append(1)
        if len(rounds) == 4:
            stop.cancel("enough")
        raise MemoryError("no room for a list")

    with capture_logs() as said:
        work(HueyQueue(sqlite_storage(tmp_path), NOTHING), stop, tick, 0.01, Complaints())
    assert len(rounds) == 4
    assert [(line["what"], line["why"]) for line in said] == [("the reconciler", "MemoryError: no room for a list")]
