"""`Instances`: everything in one frame as arrays, drawn by people, predicted, or read from a data set.

The one result class: micro-models give it, data sets hold it, and it is sliced like numpy. Boxes are in pixels of the
original image, x to the right, y down, the right-bottom corner exclusive. `n` is the number of objects, `k` that of
names of points. What an object does not have is an empty array or a neutral value, never None.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any, cast

import numpy as np
from numpy.typing import ArrayLike, NDArray

from backend.errors import DataSetError
from backend.types import Box, Instance, Keypoint

if TYPE_CHECKING:
    import supervision

DRAWN, ACCEPTED, MENDED, PREDICTED = "drawn", "accepted", "mended", "predicted"
"""Where an object comes from: a person drew it; left it as predicted; changed what was predicted; nobody has looked."""
ORIGINS = (DRAWN, ACCEPTED, MENDED, PREDICTED)
NO_TRACK = -1
"""The track of an object that is not followed through frames."""
ABSENT, HIDDEN, VISIBLE = 0, 1, 2
"""Visibility of a point, as COCO counts it: not placed; placed where it is hidden; seen."""


@dataclass(frozen=True, slots=True, init=False, eq=False)
class Instances:
    """Objects of one frame. Raises ValueError where arrays do not fit each other."""

    xyxy: NDArray[np.float64]
    """(n, 4) boxes: x0, y0, x1, y1."""
    label: NDArray[np.str_]
    """(n,)"""
    score: NDArray[np.float64]
    """(n,) in [0, 1]; 1 of what a person drew."""
    mask: NDArray[np.bool_]
    """(n, height, width) of the original image; (n, 0, 0) where no object has one, all False for one that has none."""
    keypoints: NDArray[np.float64]
    """(n, k, 2) x and y; not a number where the point is not placed."""
    keypoint_score: NDArray[np.float64]
    """(n, k) in [0, 1]; 0 where the point is not placed."""
    visibility: NDArray[np.uint8]
    """(n, k) `ABSENT`, `HIDDEN` or `VISIBLE`."""
    keypoint_names: tuple[str, ...]
    """(k,)"""
    track: NDArray[np.int64]
    """(n,) number of the object through all frames of its group; `NO_TRACK` where it is not followed."""
    origin: NDArray[np.str_]
    """(n,) one of `ORIGINS`."""
    version: NDArray[np.str_]
    """(n,) which micro-model said it, as `label v4`; empty where none did."""
    attributes: tuple[Mapping[str, Any], ...]
    """(n,) what else is said of each object, by name."""

    def __init__(
        self,
        xyxy: ArrayLike = (),
        label: ArrayLike = (),
        score: ArrayLike | None = None,
        mask: ArrayLike | None = None,
        keypoints: ArrayLike | None = None,
        keypoint_score: ArrayLike | None = None,
        visibility: ArrayLike | None = None,
        keypoint_names: Sequence[str] = (),
        track: ArrayLike | None = None,
        origin: ArrayLike | None = None,
        version: ArrayLike | None = None,
        attributes: Sequence[Mapping[str, Any]] | None = None,
    ) -> None:
        """What is left out is neutral: score 1, no mask, no points, no track, drawn."""
        boxes = np.asarray(xyxy, np.float64).reshape(-1, 4)
        n, k = len(boxes), len(keypoint_names)
        points = np.full((n, k, 2), np.nan) if keypoints is None else np.asarray(keypoints, np.float64)
        placed = np.isfinite(points).all(-1) if points.ndim == 3 else np.zeros((n, k), bool)
        seen = np.where(placed, VISIBLE, ABSENT) if visibility is None else visibility
        columns: dict[str, Any] = {
            "xyxy": boxes,
            "label": np.asarray(label, np.str_).reshape(-1),
            "score": np.asarray(np.ones(n) if score is None else score, np.float64),
            "mask": np.zeros((n, 0, 0), np.bool_) if mask is None else np.asarray(mask, np.bool_),
            "keypoints": points,
            "keypoint_score": np.asarray(placed if keypoint_score is None else keypoint_score, np.float64),
            "visibility": np.asarray(seen, np.uint8),
            "keypoint_names": tuple(keypoint_names),
            "track": np.asarray(np.full(n, NO_TRACK) if track is None else track, np.int64),
            "origin": np.asarray([DRAWN] * n if origin is None else origin, np.str_).reshape(-1),
            "version": np.asarray([""] * n if version is None else version, np.str_).reshape(-1),
            "attributes": tuple({} for _ in range(n)) if attributes is None else tuple(attributes),
        }
        _check(columns, n, k)
        for name, column in columns.items():
            object.__setattr__(self, name, _read_only(column) if isinstance(column, np.ndarray) else column)

    @classmethod
    def of(cls, instances: Iterable[Instance], keypoint_names: Sequence[str] = (), **columns: Any) -> "Instances":
        """From single objects; `columns` are given on, as `origin` and `version`. Masks must be of one size."""
        found = list(instances)
        names = tuple(dict.fromkeys([*keypoint_names, *(p.label for one in found for p in one.keypoints)]))
        points = np.full((len(found), len(names), 2), np.nan)
        sure = np.zeros((len(found), len(names)))
        for row, one in enumerate(found):
            for point in one.keypoints:
                at = names.index(point.label)
                points[row, at], sure[row, at] = (point.x, point.y), point.score
        size = next((one.mask.shape for one in found if one.mask is not None), (0, 0))
        empty = np.zeros(size, np.bool_)
        return cls(
            [one.box for one in found],
            [one.label for one in found],
            [one.score for one in found],
            np.array([empty if one.mask is None else one.mask for one in found], np.bool_).reshape(len(found), *size),
            points,
            sure,
            keypoint_names=names,
            **columns,
        )

    def single(self) -> tuple[Instance, ...]:
        """Each object by itself, for what works on single ones; a track's number is the id of its region."""
        return tuple(
            Instance(
                str(self.label[row]),
                cast(Box, tuple(self.xyxy[row].tolist())),
                float(self.score[row]),
                region_id=None if self.track[row] == NO_TRACK else str(self.track[row]),
                mask=self.mask[row] if self.mask[row].any() else None,
                keypoints=tuple(self._points(row)),
            )
            for row in range(len(self))
        )

    def _points(self, row: int) -> Iterator[Keypoint]:
        for at, name in enumerate(self.keypoint_names):
            if self.visibility[row, at] == VISIBLE:
                x, y = self.keypoints[row, at].tolist()
                yield Keypoint(name, x, y, float(self.keypoint_score[row, at]))

    def with_columns(self, **columns: Any) -> "Instances":
        """The same objects with other values in some columns."""
        return Instances(**{name: getattr(self, name) for name in Instances.__dataclass_fields__} | columns)

    def __len__(self) -> int:
        return len(self.xyxy)

    def __iter__(self) -> Iterator["Instances"]:
        return (self[row] for row in range(len(self)))

    def __getitem__(self, index: int | slice | ArrayLike) -> "Instances":
        """Some of the objects: by number, slice, numbers, or (n,) bool."""
        if isinstance(index, int | np.integer):
            index = [range(len(self))[int(index)]]
        rows = np.arange(len(self))[index if isinstance(index, slice) else _index(index)]
        picked = {name: getattr(self, name)[rows] for name in _ARRAYS}
        chosen = tuple(self.attributes[row] for row in rows)
        return Instances(**picked, keypoint_names=self.keypoint_names, attributes=chosen)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Instances):
            return NotImplemented
        if (self.keypoint_names, self.attributes) != (other.keypoint_names, other.attributes):
            return False
        pairs = ((getattr(self, name), getattr(other, name)) for name in _ARRAYS)
        return all(np.array_equal(a, b, equal_nan=a.dtype.kind == "f") for a, b in pairs)

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        kinds = sorted(set(self.label.tolist()))
        return f"<Instances: {len(self)} of {', '.join(map(repr, kinds)) or 'nothing'}>"

    def to_supervision(self) -> "supervision.Detections":
        """As supervision's `Detections`; classes are numbered in the order of their names, which `data["class_name"]` has.

        Raises DataSetError where supervision is not installed.
        """
        try:
            import supervision
        except ImportError:
            raise DataSetError("supervision is not installed. Run `pip install supervision`.") from None
        _, numbers = np.unique(self.label, return_inverse=True)
        return supervision.Detections(
            xyxy=self.xyxy.astype(np.float32),
            mask=self.mask.copy() if self.mask.size else None,
            confidence=self.score.astype(np.float32),
            class_id=numbers.astype(int),
            tracker_id=self.track.astype(int) if (self.track != NO_TRACK).any() else None,
            data={"class_name": self.label.copy()},
        )


def concatenate(parts: Iterable[Instances]) -> Instances:
    """All objects of several, of the same frame, in order; points are matched by their names."""
    found = list(parts)
    names = tuple(dict.fromkeys(name for one in found for name in one.keypoint_names))
    size = next((one.mask.shape[1:] for one in found if one.mask.size), (0, 0))
    found = [_widened(one, names, size) for one in found]
    if not found:
        return Instances()
    columns = {name: np.concatenate([getattr(one, name) for one in found]) for name in _ARRAYS}
    return Instances(**columns, keypoint_names=names, attributes=[a for one in found for a in one.attributes])


_ARRAYS = tuple(one.name for one in fields(Instances) if one.name not in ("keypoint_names", "attributes"))


def _read_only(array: NDArray[Any]) -> NDArray[Any]:
    view = array.view()
    view.flags.writeable = False
    return view


def _check(columns: Mapping[str, Any], n: int, k: int) -> None:
    wanted = {"keypoints": (n, k, 2), "keypoint_score": (n, k), "visibility": (n, k)}
    for name, column in columns.items():
        if name in ("xyxy", "keypoint_names"):
            continue
        shape: tuple[int, ...]
        expected: tuple[int, ...]
        if name == "attributes":
            shape, expected = (len(column),), (n,)
        elif name == "mask":
            shape, expected = column.shape, (n, *column.shape[1:])
            if column.ndim != 3:
                raise ValueError(f"Masks are of shape {shape}. Expected (objects, height, width).")
        else:
            shape, expected = column.shape, wanted.get(name, (n,))
        if shape != expected:
            raise ValueError(f"{name} is of shape {shape}. Expected {expected}, for {n} boxes and {k} names of points.")


def _index(index: ArrayLike) -> NDArray[Any]:
    rows = np.asarray(index)
    return rows if rows.size or rows.dtype == np.bool_ else rows.astype(np.int64)


def _widened(one: Instances, names: tuple[str, ...], size: tuple[int, ...]) -> Instances:
    """With all these names of points, and with masks of this size where it has none."""
    columns = {name: getattr(one, name) for name in _ARRAYS}
    if one.mask.shape[1:] != size and not one.mask.size:
        columns["mask"] = np.zeros((len(one), *size), np.bool_)
    if one.keypoint_names != names:
        at = [names.index(name) for name in one.keypoint_names]
        for name, empty in (("keypoints", np.nan), ("keypoint_score", 0.0), ("visibility", ABSENT)):
            old = getattr(one, name)
            new = np.full((len(one), len(names), *old.shape[2:]), empty, old.dtype)
            new[:, at] = old
            columns[name] = new
    return Instances(**columns, keypoint_names=names, attributes=one.attributes)
