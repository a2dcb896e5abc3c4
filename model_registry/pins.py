"""Pins: a pinned micro-model goes on serving its version, whatever trainings end, until the pin is lifted."""

from collections.abc import Iterable
from typing import Any

from sqlalchemy import Connection, delete, select

from model_registry.database import upsert
from model_registry.tables import pins


def pinned(connection: Connection, project: int, group: str) -> dict[str, int]:
    """{control: id of the version that it is pinned to}."""
    mine = (pins.c.project == project, pins.c.group == group)
    return {row.control: row.version for row in connection.execute(select(pins).where(*mine))}


def set_pins(connection: Connection, versions: Iterable[Any]) -> None:
    """Pins each of these rows of versions in its micro-model, instead of what was pinned there before."""
    for version in versions:
        values = {name: getattr(version, name) for name in ("project", "group", "control")} | {"version": version.id}
        insert = upsert(connection, pins).values(values)
        replaced = {"version": insert.excluded.version}
        connection.execute(insert.on_conflict_do_update(index_elements=["project", "group", "control"], set_=replaced))


def lift_pins(connection: Connection, project: int, group: str, controls: Iterable[str]) -> None:
    """Takes the pins of these micro-models away."""
    mine = (pins.c.project == project, pins.c.group == group)
    connection.execute(delete(pins).where(*mine, pins.c.control.in_(list(controls))))
