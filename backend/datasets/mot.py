"""MOT challenge: a folder for each group, with `img1/`, `gt/gt.txt`, `seqinfo.ini`; `labels.txt` names the classes.

A line: frame from 1, track, left, top, width, height (the left-top pixel is 1, 1), 1, class from 1, visibility.
Objects that are not followed are in `det/det.txt`, with -1 for a track and their score.
"""

from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from itertools import groupby
from pathlib import Path

import numpy as np

from backend.datasets.file_names import FileNames
from backend.datasets.format import Format, Items
from backend.datasets.item import Item, Names, flat_name
from backend.datasets.pictures import ENDINGS, FilePicture, size_of
from backend.errors import DataSetError
from backend.instances import NO_TRACK, Instances

LABELS = "labels.txt"
DEFAULT_RATE = 25
"""Frames a second where nobody knows: the key must be there."""


def pictures(item: Item, names: FileNames) -> list[str]:
    """Numbered in their group's folder."""
    split = f"{item.split}/" if item.split else ""
    return [f"{split}{names.of(item.group, within=item.split)}/img1/{item.number + 1:06d}"]


def write(items: Items, names: Names, out: Path) -> Iterator[Path]:
    """See `Format.write`."""
    numbers = {name: number for number, name in enumerate(names.labels, start=1)}
    for folder, some in groupby(items(), key=lambda item: item.path.rpartition("/img1/")[0]):
        yield from _sequence(some, numbers, out / folder)
    path = out / LABELS
    path.write_text("".join(f"{' '.join(name.split())}\n" for name in names.labels), encoding="utf-8")
    yield path


def _sequence(items: Iterator[Item], numbers: Mapping[str, int], folder: Path) -> Iterator[Path]:
    paths, last, item = (folder / "gt" / "gt.txt", folder / "det" / "det.txt"), 0, None
    with ExitStack() as stack:
        for path in paths:
            path.parent.mkdir(parents=True, exist_ok=True)
        followed, others = (stack.enter_context(path.open("w", encoding="utf-8")) for path in paths)
        for item in items:
            last = max(last, item.number + 1)
            for row in range(len(item.objects)):
                file = others if item.objects.track[row] == NO_TRACK else followed
                file.write(_line(item, row, numbers))
    yield from paths
    if item is not None:
        info = folder / "seqinfo.ini"
        info.write_text(
            f"[Sequence]\nname={folder.name}\nimDir=img1\nframeRate={item.about.get('rate', DEFAULT_RATE)}\n"
            f"seqLength={last}\nimWidth={item.width}\nimHeight={item.height}\nimExt={Path(item.path).suffix}\n",
            encoding="utf-8",
        )
        yield info


def _line(item: Item, row: int, numbers: Mapping[str, int]) -> str:
    objects = item.objects
    x0, y0, x1, y1 = objects.xyxy[row].tolist()
    followed = objects.track[row] != NO_TRACK
    score = 1 if followed else objects.score[row]
    box = ",".join(f"{side:.3f}".rstrip("0").rstrip(".") for side in (x0 + 1, y0 + 1, x1 - x0, y1 - y0))
    return f"{item.number + 1},{objects.track[row]},{box},{score:.4g},{numbers[str(objects.label[row])]},1\n"


def read(path: Path, images: Path | None) -> Iterator[Item]:
    """The frames of one sequence, or of all in a folder (also in `train/` and `val/` of it)."""
    infos = [path / "seqinfo.ini"] if (path / "seqinfo.ini").is_file() else sorted(path.rglob("seqinfo.ini"))
    if not infos:
        raise DataSetError(f"{path} holds no seqinfo.ini. Expected sequences of the MOT challenge.")
    for info in infos:
        yield from _read_sequence(info.parent, path)


def _read_sequence(folder: Path, root: Path) -> Iterator[Item]:
    split = folder.parent.name if folder.parent.name in ("train", "val") else ""
    rows = _rows(folder)
    labels = next((_labels(p / LABELS) for p in (folder, *folder.parents[:2]) if (p / LABELS).is_file()), [])
    for picture in sorted(p for p in (folder / "img1").iterdir() if p.suffix.lower() in ENDINGS):
        number = int(picture.stem)
        width, height = size_of(picture)
        yield Item(
            folder.name, flat_name(picture.name), width, height, _objects(rows[rows[:, 0] == number], labels),
            number=number - 1, split=split, picture=FilePicture(picture, picture.suffix.lower()),
            path=picture.relative_to(root).as_posix(),
        )  # fmt: skip


def _labels(path: Path) -> list[str]:
    return path.read_text(encoding="utf-8").split("\n")[:-1]


def _rows(folder: Path) -> np.ndarray[tuple[int, int], np.dtype[np.float64]]:
    """(n, 9) numbers of the lines of both files."""
    found = []
    for path in (folder / "gt" / "gt.txt", folder / "det" / "det.txt"):
        for number, line in enumerate(path.read_text().splitlines() if path.is_file() else (), start=1):
            try:
                values = [float(value) for value in line.split(",")]
                found.append([*values[:6], *(values[6:9] + [1.0, 1.0, 1.0][len(values[6:9]) :])])
                if len(values) < 6:
                    raise ValueError(line)
            except ValueError:
                raise DataSetError(f"{path}, line {number}: {line!r}. Expected six numbers or more.") from None
    return np.array(found, np.float64).reshape(-1, 9)


def _objects(rows: np.ndarray[tuple[int, int], np.dtype[np.float64]], labels: list[str]) -> Instances:
    corner, size, track = rows[:, 2:4] - 1, rows[:, 4:6], rows[:, 1].astype(np.int64)
    numbers = rows[:, 7].astype(int).tolist()
    names = [labels[n - 1] if 0 < n <= len(labels) else str(n) for n in numbers]
    score = np.where(track == NO_TRACK, rows[:, 6].clip(0, 1), 1.0)
    return Instances(np.hstack([corner, corner + size]), names, score, track=track)


MOT = Format("mot", "MOT challenge: boxes with tracks, a folder for each group", pictures, write, read, tracks=True)
