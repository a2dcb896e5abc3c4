"""`items.jsonl` in a data set's folder: each frame that is written, one line of JSON, as soon as its picture is there.

It makes writing resumable, holds what a format cannot say (where each object comes from), and lets a format be written
in a second go without holding all frames in memory. A line that a kill cut short counts as not written.
"""

import json
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath
from types import TracebackType
from typing import IO, Any

from backend.datasets.item import Item
from backend.datasets.record import from_record, to_record
from backend.errors import DataSetError

FILE = "items.jsonl"
KIND = "micro-models data set"


@dataclass(frozen=True, slots=True)
class Line:
    """Where a frame stands in the journal."""

    offset: int
    stamp: str
    paths: tuple[str, ...]
    """Where its picture is, below the folder; several times where the format wants it so."""


class Journal:
    """The journal of one folder, open for writing; of several lines of a frame the last one counts."""

    def __init__(self, folder: Path, head: Mapping[str, Any]) -> None:
        """Goes on with the one that lies there. Raises DataSetError where another data set is, or anything else.

        `head` says what is written, as JSON: the format, and what was asked for.
        """
        self.path = folder / FILE
        self.found: dict[tuple[str, str], Line] = {}
        self.written = set[str]()
        """Every picture that was ever written here: what is in no data set any more is deleted."""
        wanted = {"kind": KIND, **head}
        folder.mkdir(parents=True, exist_ok=True)
        if not self.path.exists():
            if any(folder.iterdir()):
                raise DataSetError(f"{folder} is not empty, and holds no data set of ours. Expected a new folder.")
            self.path.write_bytes(_line(wanted))
        self._file: IO[bytes] = self.path.open("r+b")
        try:
            self._read(wanted)
        except BaseException:
            self._file.close()
            raise

    def _read(self, wanted: Mapping[str, Any]) -> None:
        head = _parsed(first := self._file.readline())
        if head != wanted:
            raise DataSetError(
                f"{self.path} is of {_told(head)}. Expected {_told(wanted)}, or a new folder: give another one."
            )
        end = len(first)
        for line in self._file:
            record = _parsed(line)
            if record is None:
                break  # cut short: it and what follows is written anew
            self._note(Line(end, record["stamp"], tuple(record["paths"])), (record["group"], record["name"]))
            end += len(line)
        self._file.truncate(end)

    def add(self, item: Item, paths: Sequence[str], stamp: str) -> None:
        """A frame whose picture is written."""
        offset = self._file.seek(0, os.SEEK_END)
        self._file.write(_line({"stamp": stamp, "paths": list(paths), **to_record(item)}))
        self._file.flush()
        self._note(Line(offset, stamp, tuple(paths)), item.key)

    def _note(self, line: Line, key: tuple[str, str]) -> None:
        self.found[key] = line
        self.written.update(path for path in line.paths if is_below(path))

    def item(self, key: tuple[str, str]) -> Item:
        """A frame that is in the journal."""
        self._file.seek(self.found[key].offset)
        record = _parsed(self._file.readline())
        if record is None:
            raise DataSetError(f"{self.path} was changed while it was read. Run the export again.")
        return from_record(record)

    def keep(self, keys: list[tuple[str, str]]) -> None:
        """Leave these frames in it alone, in this order, one line each."""
        fresh, found = self.path.with_suffix(".part"), dict[tuple[str, str], Line]()
        self._file.seek(0)
        with fresh.open("wb") as file:
            file.write(self._file.readline())
            for key in keys:
                line = self.found[key]
                self._file.seek(line.offset)
                found[key] = replace(line, offset=file.tell())
                file.write(self._file.readline())
        self._file.close()
        fresh.replace(self.path)
        self._file, self.found = self.path.open("r+b"), found

    def __enter__(self) -> "Journal":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._file.close()


def is_below(path: str) -> bool:
    """Whether a path leads to a file of the folder, and not out of it: a journal may be anybody's."""
    return not PurePosixPath(path).is_absolute() and ".." not in PurePosixPath(path).parts


def items_of(path: Path) -> Iterator[Item]:
    """The frames of a journal that is finished."""
    with path.open("rb") as file:
        file.readline()
        for line in file:
            if (record := _parsed(line)) is not None:
                yield from_record(record)


def _line(record: Mapping[str, Any]) -> bytes:
    return json.dumps(record, separators=(",", ":")).encode() + b"\n"


def _parsed(line: bytes) -> dict[str, Any] | None:
    """The record of a whole line; None for another."""
    try:
        record = json.loads(line) if line.endswith(b"\n") else None
    except ValueError:
        return None
    return record if isinstance(record, dict) else None


def _told(head: Mapping[str, Any] | None) -> str:
    if not head or head.get("kind") != KIND:
        return "something else"
    return ", ".join(f"{name} {value}" for name, value in head.items() if name != "kind")
