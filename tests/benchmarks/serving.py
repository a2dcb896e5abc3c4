"""How fast the server answers Label Studio, at rest and while a training runs; and what a burst of events costs.

    python tests/benchmarks/serving.py [--seconds 20] [--rate 25]
    python tests/benchmarks/serving.py --annotators 50 --groups 100 [--seconds 180] [--rate 20] [--effort 0.05]

The second has many people label many groups at once, while these are trained: seconds of the answers, labels lost,
memory of the server. Starts a backend of its own, without Label Studio: frames come from a folder, events from here.
"""

import argparse
import itertools
import json
import os
import random
import sqlite3
import statistics
import tempfile
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import numpy as np
from PIL import Image

from backend.demo.backend_server import BackendServer

CONFIG = (
    '<View><Image name="image" value="$image"/>'
    '<RectangleLabels name="label" toName="image"><Label value="square"/></RectangleLabels></View>'
)
WIDTH, HEIGHT, SIDE = 640, 360, 48
FRAMES = 10
"""Frames of each of many groups."""
WARM_UP = 1 / 3
"""Share of the time after which the server's memory counts: caches and pools fill up first."""


@dataclass
class Latencies:
    """Seconds of the answers to one kind of request."""

    seconds: list[float] = field(default_factory=list)

    def quantile(self, share: float) -> float:
        """The `share` quantile, milliseconds."""
        return 1000 * float(np.quantile(self.seconds, share)) if self.seconds else float("nan")

    def __str__(self) -> str:
        middle = 1000 * statistics.median(self.seconds) if self.seconds else float("nan")
        high, most = self.quantile(0.99), self.quantile(1)
        return f"n {len(self.seconds):4d}  p50 {middle:6.1f} ms  p99 {high:6.1f} ms  max {most:6.1f} ms"


class Load:
    """A project of moving squares, and the events that labelling it would send; `frames` in each of `groups`."""

    def __init__(self, backend: BackendServer, frames: int, groups: int = 1, config: str = CONFIG) -> None:
        self.backend = backend
        self.config = config
        self.frames = frames
        self.groups = groups
        # As Label Studio does: a connection for each event.
        limits = httpx.Limits(max_connections=None, max_keepalive_connections=0)
        self.http = httpx.Client(base_url=backend.url, timeout=30, trust_env=False, limits=limits)
        self.annotation = 0
        self._numbers = itertools.count(1)

    def create(self, folder: Path) -> None:
        """Write the frames and tell of their tasks."""
        rng = np.random.default_rng(0)
        ground = rng.integers(0, 120, (HEIGHT, WIDTH, 3), np.uint8)
        for number in range(1, self.frames + 1):
            picture = ground.copy()
            x, y = self.corner(number)
            picture[y : y + SIDE, x : x + SIDE] = (240, 200, 60)
            Image.fromarray(picture).save(folder / f"{number}.jpg")
        # Nobody tells of a project before it is connected.
        self.http.post("/setup", json={"project": "1.1", "schema": self.config}).raise_for_status()
        self.post("TASKS_CREATED", tasks=[self.task(n) for n in range(1, self.frames * self.groups + 1)])

    def corner(self, number: int) -> tuple[int, int]:
        """Where the square of a frame is."""
        return (number * 7) % (WIDTH - SIDE), (number * 3) % (HEIGHT - SIDE)

    def task(self, number: int) -> dict[str, Any]:
        """A task; all groups have the same frames."""
        group, frame = divmod(number - 1, self.frames)
        data = {"image": f"/data/local-files/?d={frame + 1}.jpg", "video": f"squares {group}", "frame": frame + 1}
        return {"id": number, "data": data}

    def label(self, number: int) -> httpx.Response:
        """Submit the annotation of a task."""
        self.annotation = annotation = next(self._numbers)
        x, y = self.corner((number - 1) % self.frames + 1)
        value = {
            "x": 100 * x / WIDTH, "y": 100 * y / HEIGHT, "width": 100 * SIDE / WIDTH, "height": 100 * SIDE / HEIGHT,
            "rotation": 0, "rectanglelabels": ["square"],
        }  # fmt: skip
        region = {"id": f"r{annotation}", "from_name": "label", "to_name": "image", "type": "rectanglelabels",
                  "original_width": WIDTH, "original_height": HEIGHT, "value": value}  # fmt: skip
        row = {"id": annotation, "task": number, "result": [region], "was_cancelled": False,
               "updated_at": datetime.now(UTC).isoformat()}  # fmt: skip
        return self.post("ANNOTATION_CREATED", annotation=row, task=self.task(number))

    def post(self, action: str, **payload: Any) -> httpx.Response:
        """Send one webhook."""
        body = {"action": action, "project": {"id": 1, "label_config": self.config}, **payload}
        return self.http.post("/webhook", json=body).raise_for_status()

    def group(self) -> dict[str, Any]:
        """State of the only group."""
        return dict(self.backend.status(1)["groups"][0])

    def wait(self, state: str, seconds: float = 600) -> dict[str, Any]:
        """Until the group is in a state."""
        end = time.monotonic() + seconds
        while (group := self.group())["state"] != state:
            if group["state"] == "failed" or time.monotonic() > end:
                raise RuntimeError(f"the group is {group}, expected {state}")
            time.sleep(0.2)
        return group


def probe(load: Load, seconds: float, rate: float, state: str | None = None) -> dict[str, Latencies]:
    """Latency of /health, /setup and /webhook at `rate` requests a second each, for as long as the group is in `state`."""
    found = {"/health": Latencies(), "/setup": Latencies(), "/webhook": Latencies()}
    stop = threading.Event()
    setup = {"project": "1.1", "schema": CONFIG}
    event = {"action": "PROJECT_UPDATED", "project": {"id": 1, "label_config": CONFIG}}

    def send(path: str) -> None:
        with httpx.Client(base_url=load.backend.url, timeout=30, trust_env=False) as http:
            for _ in ticks(stop, 1 / rate):
                began = time.perf_counter()
                if path == "/health":
                    http.get(path).raise_for_status()
                elif path == "/setup":
                    http.post(path, json=setup).raise_for_status()
                else:
                    http.post(path, json=event).raise_for_status()
                found[path].seconds.append(time.perf_counter() - began)

    threads = [threading.Thread(target=send, args=(path,)) for path in found]
    for thread in threads:
        thread.start()
    end = time.monotonic() + seconds
    while time.monotonic() < end and (state is None or load.group()["state"] == state):
        time.sleep(0.5)
    stop.set()
    for thread in threads:
        thread.join()
    return found


def ticks(stop: threading.Event, pause: float) -> Iterator[None]:
    """One yield each `pause` seconds until `stop`."""
    while not stop.wait(pause):
        yield


def burst(load: Load, events: int, seconds: float) -> dict[str, int]:
    """Send annotation events evenly over some seconds; returns how many labels were learnt and in how many trainings."""
    before = int((load.group()["version"] or "v0")[1:])
    first = load.annotation
    for number in range(events):
        began = time.monotonic()
        load.label(1 + number % load.frames)
        time.sleep(max(0.0, seconds / events - (time.monotonic() - began)))
    load.wait("idle")
    group = load.group()
    return {
        "events": load.annotation - first,
        "labels": load.annotation,
        "learnt": group["trained_labels"],
        "trainings": int(group["version"][1:]) - before,
    }


def annotate(load: Load, people: int, seconds: float, rate: float) -> None:
    """Many people label the tasks of all groups, `rate` of them a second together; prints what came of it."""
    dice, latencies, failed = random.Random(0), Latencies(), list[str]()
    memory: list[tuple[float, float]] = []

    def submit(task: int) -> None:
        began = time.perf_counter()
        try:
            load.label(task)
        except httpx.HTTPError as error:
            failed.append(f"{type(error).__name__}: {error}")
        latencies.seconds.append(time.perf_counter() - began)

    began = time.monotonic()
    with ThreadPoolExecutor(people) as pool:
        for number in itertools.count(1):
            pool.submit(submit, dice.randint(1, load.frames * load.groups))
            if number % max(1, round(rate)) == 0:
                memory.append((time.monotonic() - began, resident_mb(load.backend)))
            if (now := time.monotonic() - began) >= seconds:
                break
            time.sleep(max(0.0, number / rate - now))
    kept, late = waited_for(load, load.annotation - len(failed))
    warm = [(at / 60, mb) for at, mb in memory if at >= WARM_UP * seconds]
    slope = np.polyfit([at for at, _ in warm], [mb for _, mb in warm], 1)[0] if len(warm) > 1 else float("nan")
    groups = load.backend.status(1)["groups"]
    print(f"/webhook  {people} people on {load.groups} groups  {latencies}", flush=True)
    print(
        f"not taken {len(failed)} {failed[:2]}; of {load.annotation} labels {kept} in the registry, the last after {late:.1f} s"
    )
    print(f"server {memory[0][1]:.0f} -> {memory[-1][1]:.0f} MB, {slope:+.2f} MB a minute after the warm-up")
    print(f"groups trained meanwhile {sum(g['version'] is not None for g in groups)}; load average {os.getloadavg()}")


def waited_for(load: Load, labels: int, patience: float = 60) -> tuple[int, float]:
    """(labels in the registry, seconds until they were there), when as many are there, or patience has an end."""
    began = time.monotonic()
    while True:
        registry = sqlite3.connect(f"file:{load.backend.folder}/registry.db?mode=ro", uri=True)
        [[found]] = registry.execute("SELECT count(*) FROM labels WHERE deleted_at IS NULL")
        registry.close()
        if found >= labels or time.monotonic() - began > patience:
            return found, time.monotonic() - began
        time.sleep(0.1)


def resident_mb(backend: BackendServer) -> float:
    """Memory of the server's process, without its worker's."""
    lines = Path(f"/proc/{backend.child.pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) / 1024 for line in lines if line.startswith("VmRSS"))


def main() -> None:
    """Run it and print the figures."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=float, default=20)
    parser.add_argument("--rate", type=float, default=25)
    parser.add_argument("--annotators", type=int, default=0, help="so many people on many groups, and nothing else")
    parser.add_argument("--groups", type=int, default=100)
    parser.add_argument("--effort", type=float, default=0.05, help="of the trainings meanwhile")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        media = folder / "media"
        media.mkdir()
        env = {"MICRO_MODELS_DOCUMENT_ROOT": str(media)}
        if args.annotators:
            env["MICRO_MODELS_EFFORT"] = str(args.effort)
            with BackendServer(folder / "data", "", "", extra_env=env) as backend:
                load = Load(backend, FRAMES, args.groups)
                load.create(media)
                annotate(load, args.annotators, args.seconds, args.rate)
            return
        with BackendServer(folder / "data", "", "", extra_env=env) as backend:
            load = Load(backend, 60)
            load.create(media)
            at_rest = probe(load, args.seconds / 2, args.rate)
            for number in (5, 15, 25, 35, 45):
                load.label(number)
            load.wait("training")
            busy = probe(load, args.seconds, args.rate, "training")
            for path in at_rest:
                print(f"{path:9s} at rest   {at_rest[path]}")
                print(f"{path:9s} training  {busy[path]}")
            load.wait("idle")
            print("burst of 200 events in 5 s:", json.dumps(burst(load, 200, 5)))


if __name__ == "__main__":
    main()
