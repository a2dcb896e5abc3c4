"""One frame of a data set: its picture, and what is in it."""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Any, Protocol

from backend.instances import Instances

TRAIN, VAL = "train", "val"


class Picture(Protocol):
    """The image of a frame, upright."""

    @property
    def suffix(self) -> str:
        """Of its file, as `.jpg`."""
        ...

    def write(self, path: Path) -> None:
        """Write it to a file of this suffix."""
        ...


@dataclass(frozen=True, slots=True, eq=False)
class Item:
    """One frame of a group."""

    group: str
    name: str
    """Of the frame within its group, without an ending."""
    width: int
    """Of the original image, pixels."""
    height: int
    objects: Instances = field(default_factory=Instances)
    classes: Instances = field(default_factory=Instances)
    """Classes of the whole frame; the box of each is the frame."""
    number: int = 0
    """Of the frame in its group's time, counted from 0."""
    split: str = ""
    """`train`, `val`, or empty where nothing is held out."""
    picture: Picture | None = None
    path: str = ""
    """Of the picture's file below the data set's folder, with `/`; empty where there is none."""
    about: dict[str, Any] = field(default_factory=dict)
    """What else is known of the frame, as JSON: the task that it was, say."""

    @property
    def key(self) -> tuple[str, str]:
        """What tells it from the data set's other frames."""
        return self.group, self.name


@dataclass(frozen=True, slots=True)
class Planned:
    """A frame that is to be written, not looked at yet."""

    group: str
    name: str
    make: Callable[[], Item | None]
    """The frame; None where it cannot be used, which `make` has told whom it concerns."""
    stamp: str = ""
    """Another one where the frame, or what is known of it, is another; one that was written with the same stamp is kept.
    Empty: it is always written anew."""

    @property
    def key(self) -> tuple[str, str]:
        """See `Item.key`."""
        return self.group, self.name


@dataclass(frozen=True, slots=True)
class Names:
    """The vocabulary of a data set, in its order."""

    labels: tuple[str, ...] = ()
    """Of objects."""
    keypoints: tuple[str, ...] = ()
    classes: tuple[str, ...] = ()
    """Of whole frames."""
    splits: tuple[str, ...] = ()
    """The parts that it has: nothing is held out where it is `("",)`."""

    def with_those_of(self, item: Item) -> "Names":
        """Widened by what a frame has beyond."""
        return Names(
            _widened(self.labels, item.objects.label.tolist()),
            _widened(self.keypoints, item.objects.keypoint_names),
            _widened(self.classes, item.classes.label.tolist()),
            _widened(self.splits, [item.split]),
        )


def flat_name(path: str) -> str:
    """The last part of a path with `/`, without its ending."""
    return PurePosixPath(path).stem


def _widened(known: tuple[str, ...], more: Any) -> tuple[str, ...]:
    fresh = set(more) - set(known)
    return tuple(dict.fromkeys([*known, *(one for one in more if one in fresh)])) if fresh else known
