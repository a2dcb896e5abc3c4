"""Five labels, then a minute? A person who labels a frame every so many seconds, in a real Label Studio; what was trained.

`python -m tests.benchmarks.first_labels FOLDER --every 12`: FOLDER holds frames/ and labels.json, boxes. Prints a row for
each version, and the seconds from the fifth label until every other frame has its prediction by a version on five; beside
them the processor time that the backend spent in them, and how many processes wanted a core.
"""

import argparse
import os
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import psutil

from backend.demo.annotator import Annotator
from backend.demo.backend_server import BackendServer
from backend.demo.folder import from_folder
from backend.demo.label_studio_server import LabelStudioServer
from backend.demo.watching import snapshot
from backend.studio.client import Studio
from model_registry import Registry, open_registry
from tests.end_to_end.conftest import label_studio_venv
from tests.end_to_end.work import Work, until

LABELS = 5


def label_in_rhythm(work: Work, positions: tuple[int, ...], every: float) -> Iterator[float]:
    """Submit one frame every so many seconds; yields when each submit was answered."""
    began = time.time()
    for turn, position in enumerate(positions):
        time.sleep(max(0.0, began + (turn + 1) * every - time.time()))
        work.label(position)
        yield time.time()


def cpu_seconds(pid: int) -> float:
    """Processor time of a process and of those that it started and that still run."""
    parent = psutil.Process(pid)
    return sum(
        spent.user + spent.system for spent in (p.cpu_times() for p in (parent, *parent.children(recursive=True)))
    )


def report(registry: Registry, project: int, group: str, submits: list[float], served: float, spent: float) -> None:
    """One row for each version, in seconds since the first label, and the figure that all is about."""
    print(f"labels at {', '.join(f'{moment - submits[0]:.0f}' for moment in submits)} s")
    for version in reversed(registry.versions.history(project, group)):
        ended = f"{version.finished_at - submits[0]:.0f}" if version.finished_at else "-"
        began = version.created_at - submits[0]
        print(f"v{version.number}: {version.labels} labels, from {began:.0f} to {ended} s, {version.state}")
    print(f"{served - submits[-1]:.0f} s from the fifth label to the predictions of a version on {len(submits)}")
    print(f"{spent:.0f} s of processor time meanwhile; load {os.getloadavg()[0]:.0f} on {os.cpu_count()} cores")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--every", type=float, default=12.0, help="seconds between two labels")
    given = parser.parse_args()
    data_set = from_folder(given.folder)
    with (
        tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as place,
        LabelStudioServer(Path(place, "label-studio"), label_studio_venv()) as server,
        closing(Studio(server.url, server.token)) as studio,
        BackendServer(Path(place, "backend"), server.url, server.token) as backend,
    ):
        work = Work(Annotator(studio), backend, data_set)
        work.fill()
        backend.connect(work.project)
        submits = list(label_in_rhythm(work, data_set.labelled(LABELS), given.every))
        before = cpu_seconds(backend.child.pid)
        until(lambda: snapshot(work.status()).done(LABELS), lambda: str(work.status()))
        served, spent = time.time(), cpu_seconds(backend.child.pid) - before
        work.check_one_prediction_each()
        with open_registry(f"sqlite:///{backend.folder}/registry.db", str(backend.folder / "artifacts")) as registry:
            report(registry, work.project, data_set.name, submits, served, spent)


if __name__ == "__main__":
    main()
