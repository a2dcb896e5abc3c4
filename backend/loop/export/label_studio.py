"""Label Studio's own JSON, with predictions in it, which its export leaves out: `tasks.json`, as its import takes it.

Of a task that several people labelled all annotations are written, the one that is learnt from first. Where each of its
regions comes from stands in the task's `meta`, by the region's id:
{"micro_models": {"group": .., "regions": {id: {"origin": .., "version": ..}}}}.
"""

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from backend.datasets import Step
from backend.errors import DataSetError
from backend.loop.data.grouping import order_of
from backend.loop.export.sources import Source, VersionNames, sources
from backend.loop.services import Services
from model_registry import GroupRecord

NAME = "label-studio"
WORDS = "Label Studio: tasks with annotations and predictions, for its import"
FILE = "tasks.json"


def write(services: Services, groups: Sequence[GroupRecord], least: float | None, out: Path) -> Iterator[Step]:
    """A step for each task; the file is there when it is whole. Raises DataSetError where `out` holds anything else."""
    if out.is_dir() and {path.name for path in out.iterdir()} - {FILE, FILE + ".part"}:
        raise DataSetError(f"{out} is not empty, and holds no {FILE} alone. Expected a new folder.")
    out.mkdir(parents=True, exist_ok=True)
    aside, versions, count = out / f"{FILE}.part", VersionNames(services), 0
    with aside.open("w", encoding="utf-8") as file:
        file.write("[")
        for source in _all(services, groups, least):
            file.write((",\n" if count else "\n") + json.dumps(task_of(source, versions), ensure_ascii=False))
            count += 1
            yield Step(count)
        file.write("\n]\n")
    aside.replace(out / FILE)
    yield Step(count, (out / FILE,))


def task_of(source: Source, versions: VersionNames) -> dict[str, Any]:
    """One task as Label Studio imports it."""
    said: dict[str, dict[str, str]] = {}
    for item in source.result:
        control, id_ = item.get("from_name"), item.get("id")
        if isinstance(control, str) and isinstance(id_, str):
            origin = source.origin(control, "" if item.get("type") == "choices" else id_)
            version = versions.of(source, control, origin)
            said.setdefault(id_, {"origin": origin, **({"version": version} if version else {})})
    label, entry = source.label, source.entry
    predictions = (
        [{"result": entry.result, "score": entry.score, "model_version": entry.model_version}] if entry else []
    )
    annotations = [
        {"result": one.result, "ground_truth": bool(one.details.get("ground_truth"))}
        for one in ((label, *source.others) if label else ())
    ]
    return {
        "id": source.task.id,
        "data": source.task.data,
        "meta": {"micro_models": {"group": source.task.group, "regions": said}},
        "annotations": annotations,
        "predictions": predictions,
    }


def _all(services: Services, groups: Sequence[GroupRecord], least: float | None) -> Iterator[Source]:
    for group in groups:
        tasks = services.registry.tasks.of_group(group.project, group.name)
        tasks.sort(key=lambda t: (order_of(t.data) is None, order_of(t.data) or 0.0, t.id))
        yield from sources(services, tasks, least)
