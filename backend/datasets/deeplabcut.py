"""DeepLabCut: `labeled-data/GROUP/` with the pictures and `CollectedData_micro-models.csv` (and .h5 where pandas can).

A row a picture, two columns a point, empty where it is not placed; with several objects in a frame a level
`individuals`, which is an object's track, else its place in the frame.
"""

import csv
from collections.abc import Iterator, Sequence
from contextlib import suppress
from itertools import groupby
from pathlib import Path, PurePosixPath

import numpy as np

from backend.datasets.file_names import FileNames
from backend.datasets.format import Format, Items
from backend.datasets.item import Item, Names, flat_name
from backend.datasets.pictures import FilePicture, size_of
from backend.errors import DataSetError
from backend.instances import ABSENT, NO_TRACK, Instances
from backend.types import Box

SCORER = "micro-models"
FILE = f"CollectedData_{SCORER}"
INDEX = 3
"""Columns that name the picture: labeled-data, the group's folder, the file."""
Row = dict[tuple[str, str], tuple[float, float]]
"""{(individual, point): x and y} of one picture."""


def pictures(item: Item, names: FileNames) -> list[str]:
    """In their group's folder."""
    folder = f"labeled-data/{names.of(item.group)}"
    return [f"{folder}/{names.of(item.name, within=folder)}"]


def write(items: Items, names: Names, out: Path) -> Iterator[Path]:
    """See `Format.write`; memory holds the points of one group."""
    for folder, some in groupby(items(), key=lambda item: item.path.rpartition("/")[0]):
        rows = [(PurePosixPath(item.path).parts, _row(item.objects)) for item in some]
        individuals = list(dict.fromkeys(individual for _, row in rows for individual, _ in row)) or ["individual1"]
        path = out / folder / f"{FILE}.csv"
        _write_csv(path, rows, sorted(individuals, key=lambda name: (len(name), name)), names.keypoints)
        has_h5 = _write_h5(path, several=len(individuals) > 1)
        yield path
        if has_h5:
            yield path.with_suffix(".h5")


def _row(objects: Instances) -> Row:
    found: Row = {}
    place = 0
    for row in range(len(objects)):
        if not (objects.visibility[row] != ABSENT).any():
            continue
        place += 1
        track = int(objects.track[row])
        individual = f"individual{place if track == NO_TRACK else track}"
        for at, name in enumerate(objects.keypoint_names):
            if objects.visibility[row, at] != ABSENT:
                x, y = objects.keypoints[row, at].tolist()
                found[individual, name] = x, y
    return found


def _write_csv(
    path: Path, rows: Sequence[tuple[tuple[str, ...], Row]], individuals: Sequence[str], points: Sequence[str]
) -> None:
    columns = [(individual, point) for individual in individuals for point in points]
    blank = [""] * (INDEX - 1)
    with path.open("w", encoding="utf-8", newline="") as file:
        table = csv.writer(file)
        table.writerow(["scorer", *blank, *([SCORER] * 2 * len(columns))])
        if len(individuals) > 1:
            table.writerow(["individuals", *blank, *(individual for individual, _ in columns for _ in "xy")])
        table.writerow(["bodyparts", *blank, *(point for _, point in columns for _ in "xy")])
        table.writerow(["coords", *blank, *("xy" * len(columns))])
        for parts, row in rows:
            placed = [row.get(column) for column in columns]
            table.writerow([*parts, *(side for xy in placed for side in (xy or ("", "")))])


def _write_h5(path: Path, several: bool) -> bool:
    """The same table as DeepLabCut itself reads it; whether the libraries for it are installed."""
    with suppress(ImportError):
        import pandas
        import tables  # noqa: F401  (what pandas writes with)

        levels = [0, 1, 2, 3] if several else [0, 1, 2]
        frame = pandas.read_csv(path, header=levels, index_col=[0, 1, 2])
        frame.to_hdf(path.with_suffix(".h5"), key="df_with_missing", mode="w", format="fixed")
        return True
    return False


def read(path: Path, images: Path | None) -> Iterator[Item]:
    """The frames of a `CollectedData` csv, or of all those below a folder (a project's, or `labeled-data`)."""
    files = [path] if path.is_file() else sorted(path.rglob("CollectedData*.csv"))
    if not files:
        raise DataSetError(f"{path} holds no CollectedData csv. Expected labels of DeepLabCut.")
    for file in files:
        try:
            yield from _read_file(file, images or file.parent)
        except (ValueError, IndexError, StopIteration, KeyError) as error:
            raise DataSetError(
                f"{file} cannot be read ({type(error).__name__}: {error}). Expected a CollectedData csv of DeepLabCut."
            ) from error


def _read_file(file: Path, images: Path) -> Iterator[Item]:
    with file.open(encoding="utf-8", newline="") as opened:
        table = list(csv.reader(opened))
    heads = {row[0]: row for row in table[:4] if row[0] in ("scorer", "individuals", "bodyparts", "coords")}
    index = next(n for n, name in enumerate(heads["coords"]) if name == "x")
    points = heads["bodyparts"][index::2]
    individuals = heads["individuals"][index::2] if "individuals" in heads else [""] * len(points)
    for number, row in enumerate(table[len(heads) :]):
        name = PurePosixPath(row[index - 1].replace("\\", "/")).name  # older ones have the whole path in one column
        picture = images / name
        width, height = size_of(picture) if picture.is_file() else (0, 0)
        numbers = np.array([float(side) if side else np.nan for side in row[index:]], np.float64).reshape(-1, 2)
        yield Item(
            file.parent.name, flat_name(name), width, height, _objects(numbers, individuals, points), number=number,
            picture=FilePicture(picture, picture.suffix.lower()) if picture.is_file() else None, path=name,
        )  # fmt: skip


def _objects(
    numbers: np.ndarray[tuple[int, int], np.dtype[np.float64]], who: Sequence[str], points: Sequence[str]
) -> Instances:
    names, kinds = list(dict.fromkeys(points)), list(dict.fromkeys(who))
    xy = np.full((len(kinds), len(names), 2), np.nan)
    for individual, point, place in zip(who, points, numbers, strict=True):
        xy[kinds.index(individual), names.index(point)] = place
    there = [row for row in range(len(kinds)) if np.isfinite(xy[row]).all(-1).any()]
    return Instances(
        [around(xy[row]) for row in there], [kinds[row] or "object" for row in there], keypoints=xy[there],
        keypoint_names=names,
    )  # fmt: skip


def around(points: np.ndarray[tuple[int, int], np.dtype[np.float64]]) -> Box:
    """The smallest box around the points (k, 2) that are placed, a pixel wide and high at least."""
    (x0, y0), (x1, y1) = np.nanmin(points, 0).tolist(), np.nanmax(points, 0).tolist()
    return x0, y0, max(x1, x0 + 1), max(y1, y0 + 1)


DEEPLABCUT = Format(
    "deeplabcut", "DeepLabCut: points, labeled-data/ with CollectedData", pictures, write, read, needs="keypoints"
)
