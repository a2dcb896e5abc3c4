"""Writing a data set: pictures first, frame by frame, then what the format says of them. Resumable, in bounded memory."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import groupby
from pathlib import Path
from typing import Any

from backend.datasets.file_names import FileNames
from backend.datasets.format import Format
from backend.datasets.item import Item, Names, Planned
from backend.datasets.journal import FILE, Journal
from backend.errors import MediaError

Key = tuple[str, str]
Link = Callable[[Iterable[Item]], Mapping[Key, Sequence[int]]]
"""Frames of one group, in order of time, to {key of a frame: the track of each of its objects}."""


@dataclass(frozen=True, slots=True)
class Step:
    """One frame is done, or at the end one file that is no picture."""

    frames: int
    """How many were gone through so far."""
    paths: tuple[Path, ...] = ()
    """The files that are whole now."""
    kept: bool = False
    """The frame was there already."""


def write(
    format: Format,
    out: Path,
    plan: Iterable[Planned],
    names: Names,
    splits: Mapping[str, str],
    head: Mapping[str, Any],
    remark: Callable[[str], None] = lambda why: None,
    link: Link | None = None,
) -> Iterator[Step]:
    """Write the planned frames into a folder, a step at a time; `splits` has the part of each group.

    What was written before, by the same call with the same `head`, is kept as long as its stamp is the same; what is not
    planned any more goes. A stop at any place costs the frame that was being written. A picture that cannot be had costs its
    frame, and `remark` is told. For formats of tracks `link` follows the objects of groups in which none is followed. Raises
    DataSetError.
    """
    format.check()
    with Journal(out, {"format": format.name, **head}) as journal:
        done, places = list[Key](), FileNames()
        for count, planned in enumerate(plan, start=1):
            try:
                step, item = _frame(format, journal, planned, splits.get(planned.group, ""), places, out)
            except MediaError as error:
                remark(f"{planned.group}, {planned.name}: {error}")
                step, item = Step(0), None
            if item is not None:
                done.append(planned.key)
                names = names.with_those_of(item)
            yield replace(step, frames=count)
        format.require(names)
        _tidy(format, journal, done, out)
        journal.keep(done)
        yield Step(len(done), (out / FILE,))

        for path in format.write(_items(journal, done, link if format.tracks else None), names, out):
            yield Step(len(done), (path,))


def _items(journal: Journal, keys: Sequence[Key], link: Link | None) -> Callable[[], Iterator[Item]]:
    """What reads the frames again, with the objects followed by `link`."""
    tracks = _linked((journal.item(key) for key in keys), link) if link else {}
    return lambda: (_followed(journal.item(key), tracks.get(key)) for key in keys)


def _frame(
    format: Format, journal: Journal, planned: Planned, split: str, places: FileNames, out: Path
) -> tuple[Step, Item | None]:
    """One frame: what was done, and the frame itself where it belongs to the data set."""
    line, stamp = journal.found.get(planned.key), f"{split} {planned.stamp}"
    if line is not None and planned.stamp and line.stamp == stamp:
        item = journal.item(planned.key)
        wanted = format.pictures(item, places)
        if wanted == [_stem(path) for path in line.paths] and all((out / path).exists() for path in line.paths):
            return Step(0, kept=True), item
    made = planned.make()
    if made is None:
        return Step(0), None
    made = replace(made, split=split)
    written = _pictures(made, format.pictures(made, places), out)
    journal.add(replace(made, path=written[0] if written else ""), written, stamp)
    return Step(0, tuple(out / path for path in written)), made


def _pictures(item: Item, places: Sequence[str], out: Path) -> list[str]:
    """Where the picture was written, below `out`; aside first, so that a file that is there is whole."""
    found = []
    for place in places if item.picture is not None else ():
        assert item.picture is not None
        path = out / (place + item.picture.suffix)
        path.parent.mkdir(parents=True, exist_ok=True)
        aside = path.with_name(f".part{path.suffix}")
        item.picture.write(aside)
        aside.replace(path)
        found.append(place + path.suffix)
    return found


def _linked(items: Iterable[Item], link: Link) -> dict[Key, Sequence[int]]:
    """The tracks of those groups that have none yet; memory holds their numbers."""
    found: dict[Key, Sequence[int]] = {}
    for _, some in groupby(items, key=lambda item: item.group):
        found |= link(some)
    return found


def _followed(item: Item, tracks: Sequence[int] | None) -> Item:
    return item if not tracks else replace(item, objects=item.objects.with_columns(track=tracks))


def _tidy(format: Format, journal: Journal, done: Sequence[Key], out: Path) -> None:
    """Take away the pictures of frames that do not belong to the data set any more, and what lies beside them."""
    wanted = {path for key in done for path in journal.found[key].paths}
    for path in sorted(journal.written - wanted):
        for name in (path, *format.beside(path)):
            (out / name).unlink(missing_ok=True)


def _stem(path: str) -> str:
    """A picture's path without its ending."""
    return path[: path.rindex(".")]
