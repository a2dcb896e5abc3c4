"""The text encoding of a PostgreSQL database: the registry holds text of any language, which needs UTF8."""

from typing import Any

from sqlalchemy import Engine, event

from backend.errors import RegistryError


def require_utf8(engine: Engine) -> None:
    """Has each new connection refused whose database keeps text in another encoding.

    Before SQLAlchemy uses it: with SQL_ASCII psycopg answers bytes for text, on which SQLAlchemy's first query fails
    with a TypeError.
    """

    @event.listens_for(engine, "connect", insert=True)
    def connect(connection: Any, _: Any) -> None:
        found = connection.info.parameter_status("server_encoding")
        if found in ("UTF8", None):  # a proxy in between may not say
            return
        connection.close()
        raise RegistryError(
            f"The registry's database {engine.url.render_as_string()} has the encoding {found}, expected UTF8. Make one "
            "with `createdb -T template0 -E UTF8 NAME`, and name it in MICRO_MODELS_DATABASE_URL."
        )
