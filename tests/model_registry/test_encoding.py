"""A PostgreSQL database that cannot hold text of every language is refused in words, and nothing is written to it."""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from sqlalchemy import create_engine, make_url, text

from backend.errors import RegistryError
from model_registry.database import open_database
from tests.engines import postgres_at_hand


@contextmanager
def database(encoding: str) -> Iterator[str]:
    """URL of an empty database in this encoding, gone afterwards."""
    with postgres_at_hand() as postgres:
        name = f"micro_models_test_{encoding.lower()}"
        server = create_engine(postgres, isolation_level="AUTOCOMMIT")
        try:
            with server.connect() as connection:
                connection.execute(text(f"DROP DATABASE IF EXISTS {name}"))
                made = f"CREATE DATABASE {name} TEMPLATE template0 ENCODING '{encoding}' LOCALE 'C'"
                connection.execute(text(made))
            yield make_url(postgres).set(database=name).render_as_string(hide_password=False)
        finally:
            with server.connect() as connection:
                connection.execute(text(f"DROP DATABASE IF EXISTS {name}"))
            server.dispose()


@pytest.mark.parametrize("encoding", ["SQL_ASCII", "LATIN1"])
def test_another_encoding_is_refused_with_what_to_do(encoding: str) -> None:
    with database(encoding) as url, pytest.raises(RegistryError) as caught:
        open_database(url)
    said = str(caught.value)
    assert f"has the encoding {encoding}, expected UTF8" in said
    assert "createdb -T template0 -E UTF8" in said
    assert "\n" not in said


def test_utf8_is_taken_whatever_the_locale() -> None:
    with database("UTF8") as url:
        opened = open_database(url)
        with opened.reading() as connection:
            assert connection.execute(text("SELECT '世界'")).scalar() == "世界"
        opened.close()
