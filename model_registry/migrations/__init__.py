"""The schema's history, run by Alembic inside the transaction of whoever opens the registry.

A new step is a file in `versions/`, numbered; set `HEAD` to it. The database test says what a step still misses.
"""

from pathlib import Path

from sqlalchemy import Connection, inspect, text

from backend.errors import RegistryError

HEAD = "0008"
"""The newest step; a database that is there already is opened without loading Alembic."""
_LOCK = 0x6D6D7267  # any number, the same in all processes


def schema_of(connection: Connection) -> str | None:
    """The newest step that the database has been through; None for an empty one."""
    if not inspect(connection).has_table("alembic_version"):
        return None
    return connection.execute(text("SELECT version_num FROM alembic_version")).scalar()


def migrate(connection: Connection, to: str = HEAD) -> None:
    """Brings the schema to a step. The caller's transaction must be a writing one; it is what keeps a second out."""
    if connection.dialect.name == "postgresql":
        connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _LOCK})
    found = schema_of(connection)
    if found == to:
        return
    if found is not None and found > HEAD:
        raise RegistryError(
            f"The registry has schema {found}, this program knows schemas up to {HEAD}: a newer release wrote it. "
            "Upgrade this program, or give it a database of its own."
        )
    from alembic import command
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent).replace("%", "%%"))
    config.attributes["connection"] = connection
    command.upgrade(config, to)
