"""One frame as a line of JSON: what is in it, and where each object comes from. Lossless, masks included."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from backend.datasets.item import Item
from backend.datasets.mask_codes import from_runs, runs_of
from backend.errors import DataSetError
from backend.instances import ABSENT, Instances


def to_record(item: Item) -> dict[str, Any]:
    """The item without its picture, as JSON."""
    return {
        "group": item.group, "name": item.name, "path": item.path, "split": item.split, "number": item.number,
        "width": item.width, "height": item.height,
        "keypoint_names": list(item.objects.keypoint_names),
        "objects": [object_record(item.objects, row) for row in range(len(item.objects))],
        "classes": [object_record(item.classes, row) for row in range(len(item.classes))],
        "about": item.about,
    }  # fmt: skip


def from_record(record: Mapping[str, Any]) -> Item:
    """The item of a record, without its picture; raises DataSetError for what is none."""
    try:
        names = [str(name) for name in record["keypoint_names"]]
        size = int(record["height"]), int(record["width"])
        return Item(
            group=record["group"], name=record["name"], width=size[1], height=size[0],
            objects=_instances(record["objects"], names, size), classes=_instances(record["classes"], [], size),
            number=int(record["number"]), split=record["split"], path=record["path"], about=record["about"],
        )  # fmt: skip
    except (KeyError, TypeError, ValueError) as error:
        raise DataSetError(f"A record of a frame cannot be read ({type(error).__name__}: {error}).") from error


def object_record(objects: Instances, row: int) -> dict[str, Any]:
    """One object: its label and box, what else it has, and where it comes from."""
    said: dict[str, Any] = {
        "label": str(objects.label[row]),
        "box": objects.xyxy[row].tolist(),
        "score": float(objects.score[row]),
        "origin": str(objects.origin[row]),
        "version": str(objects.version[row]),
        "track": int(objects.track[row]),
    }
    if objects.mask[row].any():
        said["runs"] = runs_of(objects.mask[row])
    if placed := np.flatnonzero(objects.visibility[row] != ABSENT).tolist():
        said["points"] = [
            [at, *objects.keypoints[row, at].tolist(), float(objects.keypoint_score[row, at]),
             int(objects.visibility[row, at])]
            for at in placed
        ]  # fmt: skip
    if objects.attributes[row]:
        said["attributes"] = dict(objects.attributes[row])
    return said


def _instances(rows: list[dict[str, Any]], names: list[str], size: tuple[int, int]) -> Instances:
    n, k = len(rows), len(names)
    points, sure, seen = np.full((n, k, 2), np.nan), np.zeros((n, k)), np.zeros((n, k), np.uint8)
    masks = np.zeros((n, *size) if any("runs" in row for row in rows) else (n, 0, 0), np.bool_)
    for i, row in enumerate(rows):
        for at, x, y, score, visibility in row.get("points", ()):
            points[i, at], sure[i, at], seen[i, at] = (x, y), score, visibility
        if "runs" in row:
            masks[i] = from_runs(row["runs"], *size)
    return Instances(
        [row["box"] for row in rows],
        [row["label"] for row in rows],
        [row["score"] for row in rows],
        masks,
        points,
        sure,
        seen,
        names,
        [row["track"] for row in rows],
        [row["origin"] for row in rows],
        [row["version"] for row in rows],
        [row.get("attributes", {}) for row in rows],
    )
