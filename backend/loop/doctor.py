"""Health of stored data: looks for damage in registry, weights, queue and media cache, and mends what can be mended."""

import os
import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from backend.errors import ArtifactDamaged, ArtifactError
from backend.loop.worker.tidy import YOUNG_SECONDS
from backend.settings import Settings
from model_registry import Registry, Report, Stored


@dataclass(frozen=True, slots=True)
class Finding:
    """Something that is wrong."""

    where: str
    what: str
    remedy: str
    """What `mend` does, or what a person is to do."""
    mend: Callable[[], object] | None = None


def examine(settings: Settings, registry: Registry, report: Report) -> Iterator[Finding]:
    """All that is wrong, as it is found."""
    yield from _database(registry, report)
    yield from _versions(registry)
    yield from _weights(registry, report)
    yield from _orphans(registry, report)
    yield from _queue(settings, report)
    yield from _cache(settings.folder / "media", report)


def _database(registry: Registry, report: Report) -> Iterator[Finding]:
    report("the database")
    for line in registry.checkup.damage():
        yield Finding("registry", line, "restore a backup (`micro-models restore`)")
    for table in registry.checkup.tables():
        report(f"table {table}")
        for row in registry.checkup.unreadable(table):
            key = ", ".join(f"{name} {value}" for name, value in row.key.items())
            if row.may_go:
                remedy = "delete it; a comparison with Label Studio or a training makes it again"
                yield Finding(f"table {table}, {key}", row.why, remedy, partial(registry.checkup.delete, row))
            else:
                yield Finding(f"table {table}, {key}", row.why, "restore a backup (`micro-models restore`)")


def _versions(registry: Registry) -> Iterator[Finding]:
    for version in registry.checkup.left_in_training():
        what = "in training, and no worker holds its group"
        yield Finding(_named(version), what, "mark it as failed", partial(registry.checkup.end, version))
    for version in registry.checkup.serving_without_weights():
        what, remedy = "it serves, and has no weights", "take it out of service; its group is trained again"
        yield Finding(_named(version), what, remedy, _discard(registry, version, what))


def _weights(registry: Registry, report: Report) -> Iterator[Finding]:
    for version in registry.checkup.stored():
        report(f"weights of {_named(version)}")
        if version.artifact is None:
            continue
        try:
            registry.artifacts.read(version.artifact)
        except ArtifactDamaged as error:
            remedy = "take it out of service; its group is trained again where it serves"
            yield Finding(_named(version), str(error), remedy, _discard(registry, version, str(error)))
        except ArtifactError as error:
            yield Finding("weights", str(error), "see that the store answers, and look again")
            return


def _orphans(registry: Registry, report: Report) -> Iterator[Finding]:
    report("files that no version names")
    named, old = registry.retention.artifacts(), registry.clock() - YOUNG_SECONDS
    try:
        files = [file for file in registry.artifacts.files() if file.uri not in named and file.modified < old]
    except ArtifactError as error:
        yield Finding("weights", str(error), "see that the store answers, and look again")
        return
    if files:
        size = sum(file.nbytes for file in files) / 1e6
        what = f"{len(files)} files ({size:.1f} MB) that no version names, such as {files[0].uri}"

        def remove() -> None:
            for file in files:
                registry.artifacts.remove(file.uri)

        yield Finding("weights", what, "delete them", remove)


def _queue(settings: Settings, report: Report) -> Iterator[Finding]:
    """The queue that is a file; it holds hints only, so it may go."""
    report("the queue")
    path = settings.folder / "queue.db"
    if settings.queue_url or not path.exists():
        return
    try:
        with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as connection:
            found = str(connection.execute("PRAGMA integrity_check(1)").fetchone()[0])
    except sqlite3.Error as error:
        found = str(error)
    if found != "ok" and "locked" not in found:
        remedy = "put it aside, then start the server again; what is left to do is in the registry"
        yield Finding("queue", f"{path}: {found}", remedy, partial(_put_aside, path))


def _put_aside(path: Path) -> None:
    mark = f"damaged-{time.strftime('%Y%m%d-%H%M%S')}"
    for name in (path, path.with_name(path.name + "-wal"), path.with_name(path.name + "-shm")):
        if name.exists():
            name.rename(name.with_name(f"{name.name}.{mark}"))


def _cache(folder: Path, report: Report) -> Iterator[Finding]:
    """Files of the media cache that hold nothing or cannot be read; they are fetched again when somebody asks."""
    for place, _, names in os.walk(folder):
        report(f"media in {place}")
        for path in (Path(place, name) for name in names):
            try:
                with path.open("rb") as file:
                    what = "" if file.read(1) else "is empty"
            except FileNotFoundError:
                continue
            except OSError as error:
                what = f"cannot be read: {error}"
            if what and time.time() - path.stat().st_mtime > YOUNG_SECONDS:
                mend = partial(path.unlink, missing_ok=True)
                yield Finding("media cache", f"{path} {what}", "delete it; it is fetched again", mend)


def _discard(registry: Registry, version: Stored, what: str) -> Callable[[], object]:
    return partial(registry.versions.discard, version.id, version.artifact, f"its weights are damaged: {what}")


def _named(version: Stored) -> str:
    return f"project {version.project}, {version.group.strip()}, {version.control} v{version.number}"
