"""What a format of data sets is: where pictures go, and how everything else is written and read."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import Literal

from backend.datasets.file_names import FileNames
from backend.datasets.item import Item, Names
from backend.errors import DataSetError

Items = Callable[[], Iterable[Item]]
"""All frames of a data set, group by group and in order of time, from the start each time it is called."""
NameOf = Callable[[Item, FileNames], list[str]]


@dataclass(frozen=True, slots=True)
class Format:
    """One format, both directions where it allows that."""

    name: str
    words: str
    """What it is and holds, for people."""
    pictures: NameOf
    """Where a frame's picture goes, below the data set's folder and without its ending; several times where it must lie
    in several folders, and nowhere where the format has none or no place for this frame."""
    write: Callable[[Items, Names, Path], Iterator[Path]]
    """Writes all but the pictures into a folder, and tells each file when it is whole and not needed any more."""
    read: Callable[[Path, Path | None], Iterator[Item]]
    """The frames of a data set: (its folder or file, the folder of its pictures where that lies elsewhere)."""
    beside: Callable[[str], list[str]] = lambda path: []
    """The files that a frame has of its own beside its picture; by the picture's path."""
    check: Callable[[], None] = lambda: None
    """Raises DataSetError where a library is missing that it needs for writing."""
    needs: Literal["", "keypoints", "classes"] = ""
    """Without any of these there is nothing to write."""
    tracks: bool = False
    """Whether it is about objects through time."""

    def require(self, names: Names) -> None:
        """Raises DataSetError where a data set of this vocabulary has nothing that the format is for."""
        if self.needs and not getattr(names, self.needs):
            what = {"keypoints": "points (from <KeyPointLabels>)", "classes": "classes (from <Choices>)"}[self.needs]
            raise DataSetError(f"The data set has no {self.needs}. Expected some {what} for the format {self.name}.")


def flat_pictures(item: Item, names: FileNames) -> list[str]:
    """All pictures side by side, each named by its group and itself; those that are held out in a folder beside."""
    folder = f"images/{item.split}/" if item.split else "images/"
    return [folder + names.of(item.group, item.name)]


def no_pictures(item: Item, names: FileNames) -> list[str]:
    """The format has none."""
    return []


def by_group(items: Iterable[Item]) -> Iterator[tuple[str, list[Item]]]:
    """(group, its frames): as many in memory as the largest group has."""
    for group, some in groupby(items, key=lambda item: item.group):
        yield group, list(some)
