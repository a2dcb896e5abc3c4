"""What the design promises holds whatever happens in whatever order, on SQLite and on PostgreSQL."""

import itertools
import shutil
import uuid
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from hypothesis.stateful import run_state_machine_as_test
from sqlalchemy import create_engine, text

from model_registry.database import open_database
from tests.conftest import STEADY_EXAMPLES
from tests.engines import own_schema, postgres_at_hand
from tests.loop.lying import LIES
from tests.loop.promises import Promises
from tests.loop.world import World

RUNS = {"sqlite": 150, "postgresql": 40}
"""With the profile "steady"; the profile "search" has ten times as many, new ones each time (`make promises`)."""
STEPS = 10
FAULTS = {
    *(f"Label Studio lies: {lie}" for lie in LIES),
    *(f"killed {when} effect" for when in ("in mid", "after")),
    *(f"a webhook {fate}" for fate in ("is lost", "arrives, and again later")),
    "a foreign project interferes",
    "somebody orders",
    "labels learnt",
    "versions superseded",
}
"""What must have happened in so many runs, or the promises were never put to the test."""


@pytest.fixture(params=list(RUNS))
def machine(request: pytest.FixtureRequest, tmp_path: Path, quick: None) -> Iterator[type[Promises]]:
    """A machine whose every run begins with an empty registry."""
    runs, happened = itertools.count(), Counter[str]()

    def folder() -> Path:
        made = tmp_path / str(next(runs))
        made.mkdir()
        return made

    def on_sqlite() -> World:
        place = folder()
        (place / "data").mkdir()
        shutil.copy(template, place / "data" / "registry.db")
        return World(place, happened, artifacts_url=f"memory://{uuid.uuid4().hex}")

    def on_postgres() -> World:
        with engine.begin() as connection:
            connection.execute(text("TRUNCATE projects, workers CASCADE"))
        return World(folder(), happened, artifacts_url=f"memory://{uuid.uuid4().hex}", database_url=schema)

    if request.param == "sqlite":
        template = tmp_path / "template.db"
        open_database(f"sqlite:///{template}").close()
        yield type("Promises", (Promises,), {"make": staticmethod(on_sqlite), "happened": happened})
        return
    with postgres_at_hand() as postgres, own_schema(postgres) as schema:
        open_database(schema).close()
        engine = create_engine(schema)
        yield type("Promises", (Promises,), {"make": staticmethod(on_postgres), "happened": happened})
        engine.dispose()


@pytest.mark.slow
def test_promises(machine: type[Promises], request: pytest.FixtureRequest) -> None:
    engine = request.node.callspec.params["machine"]
    run_state_machine_as_test(  # type: ignore[no-untyped-call]
        machine,
        settings=settings(
            max_examples=RUNS[engine] * settings().max_examples // STEADY_EXAMPLES,
            stateful_step_count=STEPS,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
    if engine == "sqlite":  # the few runs on PostgreSQL, which are slower, need not meet every kind
        assert {kind for kind, count in machine.happened.items() if count} >= FAULTS
