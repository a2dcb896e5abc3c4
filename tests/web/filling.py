"""A registry with as much in it as a long life brings, written straight into its tables: what pages must be quick with."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, ImageDraw

from model_registry import Registry
from model_registry.tables import groups, labels, ledger, projects, reviews, tasks, versions

CONFIG = (
    '<View><Image name="image" value="$image"/>'
    '<RectangleLabels name="label" toName="image"><Label value="Bunny"/><Label value="Bird"/></RectangleLabels></View>'
)
WIDTH, HEIGHT = 640, 360
LABELLED = 3
"""Tasks of each group with a label."""
ROUNDS = 5
"""Versions of each group."""


def fill(
    registry: Registry, now: float, *, project_count: int = 3, group_count: int = 2000, tasks_each: int = 10
) -> None:
    """So many groups over so many projects, each with five versions, three labels, and predictions for the rest."""
    with registry._database.writing() as connection:
        rows = [_project(number, now) for number in range(1, project_count + 1)]
        connection.execute(projects.insert(), rows)
        everything = list(_groups(project_count, group_count, now))
        connection.execute(groups.insert(), everything)
        connection.execute(versions.insert(), [v for n, g in enumerate(everything) for v in _versions(n, g, now)])
        task_rows = [t for n, g in enumerate(everything) for t in _tasks(n, g, tasks_each)]
        connection.execute(tasks.insert(), task_rows)
        labelled = [t for t in task_rows if t["data"]["frame"] < LABELLED]
        connection.execute(labels.insert(), [_label(t, now) for t in labelled])
        connection.execute(reviews.insert(), [_review(t, now) for t in labelled])
        connection.execute(ledger.insert(), [_entry(t, now) for t in task_rows if t["data"]["frame"] >= LABELLED])


def draw_frames(folder: Path, tasks_each: int = 10) -> None:
    """The pictures that the tasks name: a hill, a sky, and something that moves."""
    for frame in range(tasks_each):
        y, x = np.mgrid[0:HEIGHT, 0:WIDTH]
        hill = y > 230 + 30 * np.sin(x / 90)
        picture = np.where(hill[..., None], (92, 122, 70), (148, 184, 214)).astype(np.uint8)
        image = Image.fromarray(picture)
        x0, y0, x1, y1 = box_of(frame)
        ImageDraw.Draw(image).ellipse((x0, y0, x1, y1), fill=(214, 196, 180), outline=(90, 70, 60), width=3)
        image.save(folder / f"{frame}.jpg")


def box_of(frame: int) -> tuple[int, int, int, int]:
    """Where the moving thing is, pixels."""
    return 60 + 45 * frame % 460, 150 + 20 * (frame % 4), 160 + 45 * frame % 460, 270 + 20 * (frame % 4)


def _project(number: int, now: float) -> dict[str, Any]:
    settings = {"project_title": f"Film {number}", "webhook_secret": "s"}
    return {"id": number, "config": CONFIG, "settings": settings, "generation": 5, "synced_at": now - 40.0 * number}


def _groups(project_count: int, group_count: int, now: float) -> Iterator[dict[str, Any]]:
    for number in range(group_count):
        state: dict[str, Any] = {"wanted": 5, "trained": 5, "published": 5, "reason": None, "failed_revision": None,
                                 "phase": None, "progress": None, "seconds_left": None, "due_at": None,
                                 "lease_owner": None, "lease_until": None, "attempts": 0, "doubt": 0.2}  # fmt: skip
        match number % 100:
            case 1:
                state |= {"wanted": 6, "due_at": now + 3600}
            case 2 if number < 300:
                state |= {"wanted": 6, "phase": "training", "progress": 0.4, "seconds_left": 21.0}
                state |= {"lease_owner": "worker", "lease_until": now + 36000}
            case 3 if number < 300:
                state |= {"wanted": 6, "failed_revision": 6, "attempts": 2, "due_at": now + 3600}
                state |= {"reason": "label: no usable region in 3 annotations. Expected boxes of 'Bunny' or 'Bird'."}
        yield {"project": number % project_count + 1, "name": f"clip-{number:04d}.mp4", "rule": "field 'video'",
               "trained_labels": LABELLED, "forced": False, "first_due": None, **state}  # fmt: skip


def _versions(number: int, group: dict[str, Any], now: float) -> Iterator[dict[str, Any]]:
    for round_ in range(1, ROUNDS + 1):
        id_ = number * ROUNDS + round_
        unseen = {"measure": "F1 at IoU 0.5", "frames": 10, "score": 0.6 + 0.07 * round_} if round_ > 1 else None
        rejected = number % 7 == 0 and round_ == 3
        state = "serving" if round_ == ROUNDS else "rejected" if rejected else "superseded"
        yield {
            "id": id_, "project": group["project"], "group": group["name"], "control": "label", "head": "detection",
            "number": round_, "state": state, "parent": id_ - 1 if round_ > 1 else None,
            "start": "serving" if round_ > 1 else "backbone", "label_revision": round_, "labels": round_,
            "fingerprint": "f", "metrics": {"unseen": unseen, "tasks": []}, "recipe": {"steps": 160},
            "artifact_uri": f"{id_}", "artifact_sha256": "0" * 64, "artifact_nbytes": 1_510_000,
            "reason": "0.71 on the labelled frames, the serving version 0.83" if rejected else None,
            "rolled_back": False, "seconds": 31.5 + round_, "created_at": now - 600 * (ROUNDS - round_) - 60,
            "finished_at": now - 600 * (ROUNDS - round_),
        }  # fmt: skip


def _tasks(number: int, group: dict[str, Any], count: int) -> Iterator[dict[str, Any]]:
    for frame in range(count):
        data = {"image": f"/data/local-files/?d={frame}.jpg", "video": group["name"], "frame": frame}
        problem = "9.jpg cannot be decoded. Upload it again or delete the task." if number == 5 and frame == 9 else None
        yield {"id": number * count + frame + 1, "project": group["project"], "group": group["name"], "data": data,
               "problem": problem}  # fmt: skip


def _regions(task: dict[str, Any]) -> list[dict[str, Any]]:
    x0, y0, x1, y1 = box_of(task["data"]["frame"])
    value = {"x": x0 / 6.4, "y": y0 / 3.6, "width": (x1 - x0) / 6.4, "height": (y1 - y0) / 3.6, "rotation": 0}
    return [{"id": f"r{task['id']}", "from_name": "label", "to_name": "image", "type": "rectanglelabels",
             "original_width": WIDTH, "original_height": HEIGHT, "image_rotation": 0, "score": 0.87,
             "value": value | {"rectanglelabels": ["Bunny"]}}]  # fmt: skip


def _label(task: dict[str, Any], now: float) -> dict[str, Any]:
    return {"id": task["id"], "project": task["project"], "task": task["id"], "result": _regions(task),
            "skipped": False, "updated_at": now - 500, "seen_at": now - 500, "deleted_at": None,
            "details": {"lead_time": 20.0 if task["data"]["frame"] == 0 else 6.5}}  # fmt: skip


def _review(task: dict[str, Any], now: float) -> dict[str, Any]:
    round_ = task["data"]["frame"]
    added = 1 if round_ == 0 else 0
    tally = {"control": "label", "label": "Bunny", "accepted": 4 - added, "moved": 0, "relabelled": 0, "added": added,
             "deleted": 0, "labels": 4}  # fmt: skip
    return {"annotation": task["id"], "project": task["project"], "task": task["id"], "pending": False,
            "annotator": "1", "round": round_, "created_at": now - 500, "shown": round_ > 0,
            "score": 0.8 if round_ else None, "actions": added, "accepted": 4 - added, "labels": 4,
            "tallies": [tally]}  # fmt: skip


def _entry(task: dict[str, Any], now: float) -> dict[str, Any]:
    return {"project": task["project"], "task": task["id"], "prediction_id": None, "result": _regions(task),
            "score": 0.4 + 0.05 * task["data"]["frame"], "versions": {"label": task["id"]},
            "model_version": "micro-models", "published_at": now - 100, "uncalibrated_score": None}  # fmt: skip
