"""Reading a registry without changing it: for whoever only wants the models that serve."""

import time
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from urllib.parse import quote

import fsspec
from sqlalchemy import create_engine

from backend.errors import RegistryError
from model_registry.artifacts import Artifacts
from model_registry.database import Database, connect_database, from_json, sqlite_path
from model_registry.groups import Groups
from model_registry.migrations import HEAD, schema_of
from model_registry.projects import Projects
from model_registry.versions import Versions


@dataclass(frozen=True, slots=True, eq=False)
class Reader:
    """The parts of a registry that are read. SQLite's file is opened so that nothing can be written to it."""

    database: Database
    projects: Projects
    groups: Groups
    versions: Versions
    artifacts: Artifacts

    def close(self) -> None:
        """Closes the database."""
        self.database.close()

    def __enter__(self) -> "Reader":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def open_reader(database_url: str, artifacts_url: str) -> Reader:
    """Opens what is there, by the URLs of `open_registry`; raises RegistryError where it is no registry of this release."""
    database = _connected(database_url)
    try:
        with database.reading() as connection:
            found = schema_of(connection)
        if found != HEAD:
            raise RegistryError(
                f"The registry at {database_url} has schema {found}, this program reads schema {HEAD}. Start the server of "
                "this release on it once, which brings it up to date, or use the release that wrote it."
            )
        files, root = fsspec.core.url_to_fs(artifacts_url)
        if "file" in files.protocol and not files.isdir(root):
            raise RegistryError(f"There is no folder {artifacts_url}. Expected the one with the registry's artifacts.")
    except BaseException:
        database.close()
        raise
    parts = Projects(database), Groups(database, time.time), Versions(database, time.time)
    return Reader(database, *parts, Artifacts(artifacts_url, time.time))


def _connected(url: str) -> Database:
    path = sqlite_path(url)
    if path is None:
        return connect_database(url)
    if not path.is_file():
        raise RegistryError(f"There is no registry {path}. Expected the file registry.db of a server's data folder.")
    location = f"sqlite:///file:{quote(str(Path(path).absolute()))}?mode=ro&uri=true"
    return Database(create_engine(location, json_deserializer=from_json, connect_args={"check_same_thread": False}))
