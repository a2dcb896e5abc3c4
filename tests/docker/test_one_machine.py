"""compose.yml on a real Docker engine: up with one command, five labels, predictions; what is kept, and migrated.

`make compose-test`; not part of `make test`: the images take a while, and the ports 8080 and 9090 must be free.
"""

from collections.abc import Iterator
from contextlib import closing

import pytest

from backend.studio.client import Studio
from tests.docker.composed import ADDRESS, TOKEN, Composed
from tests.docker.composition import PROJECT, UP_SECONDS, Composition
from tests.docker.engine import IMAGE, Engine
from tests.end_to_end.clips import moving_square
from tests.end_to_end.work import until

pytestmark = [pytest.mark.compose, pytest.mark.slow]
LABELLED = (0, 5, 11, 17, 23)
SMALL_TRAININGS = "services: {backend: {environment: {MICRO_MODELS_EFFORT: '0.2', MICRO_MODELS_THREADS: '1'}}}\n"
"""How well it learns is not what is asked here."""
EARLIER = "0006"
AN_EARLIER_REGISTRY = f"""import sqlite3
from pathlib import Path
from sqlalchemy import create_engine
from model_registry.migrations import migrate
sqlite3.connect("registry.db").execute("VACUUM INTO 'newer.db'")
for path in Path().glob("registry.db*"):
    path.unlink()
with create_engine("sqlite:///registry.db").begin() as connection:
    migrate(connection, "{EARLIER}")
with sqlite3.connect("registry.db") as registry:
    registry.execute("ATTACH 'newer.db' AS newer")
    names = lambda schema, table: [row[1] for row in registry.execute(f"PRAGMA {{schema}}.table_info({{table}})")]
    for table, in registry.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall():
        both = ", ".join(f'"{{name}}"' for name in names("main", table) if name in names("newer", table))
        if table != "alembic_version":
            registry.execute(f"INSERT INTO {{table}} ({{both}}) SELECT {{both}} FROM newer.{{table}}")
"""
"""The registry of the working directory as an earlier release would have it: its schema, and what that has room for."""
SCHEMA = """import sqlite3
print(*sqlite3.connect("registry.db").execute("SELECT version_num FROM alembic_version").fetchone())
"""


@pytest.fixture(scope="module")
def composition(engine: Engine) -> Iterator[Composition]:
    """compose.yml, up; nothing of an earlier run."""
    made = Composition(engine, "compose.yml", SMALL_TRAININGS)
    made.down()
    try:
        print(f"\nup after {made.up():.0f} s")
        yield made
    finally:
        made.down()


@pytest.fixture(scope="module")
def project(composition: Composition, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Composed]:
    frames = moving_square(tmp_path_factory.mktemp("compose") / "frames", 24)
    with closing(Studio(ADDRESS, TOKEN)) as client:
        yield Composed(composition, client, frames)


def test_one_command_starts_all_three(composition: Composition) -> None:
    running = ("ps", "--services", "--filter", "status=running")
    assert set(composition(*running).stdout.split()) == {"label-studio", "backend", "connect"}


def test_a_project_is_connected_by_itself_soon(project: Composed) -> None:
    print(f"connected {project.wait_connected():.1f} s after it was made")
    assert project.studio.backends(project.project)[0]["url"].startswith("http://backend.internal:9090")
    assert project.studio.webhooks(project.project)


def test_five_labels_bring_predictions(project: Composed) -> None:
    project.label(*LABELLED)
    print(f"predictions {project.wait_learnt('backend'):.0f} s after the fifth label")


def test_down_and_up_again_keeps_all(project: Composed) -> None:
    before = project.predictions()
    project.composition("down")
    print(f"up again after {project.composition.up():.0f} s")
    until(lambda: reached(project), "Label Studio to answer", UP_SECONDS)
    assert project.predictions() == before
    assert len(project.annotations()) == len(LABELLED)
    project.label(3)
    print(f"learnt {project.wait_learnt('backend'):.0f} s after one more")


def test_a_new_image_takes_over_the_volumes_of_an_older_one(project: Composed, engine: Engine) -> None:
    composition, before = project.composition, project.predictions()
    composition("down")
    data = ("--volume", f"{PROJECT}_backend:/data", "--entrypoint", "python", IMAGE)
    engine.run("docker", "run", "--rm", *data, "-c", AN_EARLIER_REGISTRY)
    assert engine.run("docker", "run", "--rm", *data, "-c", SCHEMA).stdout.strip() == EARLIER
    engine.run("docker", "build", "-t", IMAGE, "-", text=f"FROM {IMAGE}\nLABEL release=next\n")
    composition.up()
    until(lambda: reached(project), "Label Studio to answer", UP_SECONDS)
    assert composition.inside("backend", "python", "-c", SCHEMA).strip() > EARLIER
    assert project.predictions() == before
    project.label(8)
    print(f"learnt {project.wait_learnt('backend'):.0f} s after one more")


def reached(project: Composed) -> bool:
    try:
        return bool(project.studio.project(project.project))
    except Exception:  # it is starting
        return False


def test_nothing_is_written_outside_of_the_volumes(composition: Composition, engine: Engine) -> None:
    changed = engine.run("docker", "diff", composition.containers("backend")[0]).stdout.split("\n")
    assert [line for line in changed if line.strip() and "/data" not in line and "/files" not in line] == []
