"""How fast the server answers Label Studio, at rest and while a training runs; and what a burst of events costs.

    python tests/benchmarks/serving.py [--seconds 20] [--rate 25]

Starts a backend of its own, without Label Studio: frames come from a folder, events from here.
"""

import argparse
import json
import statistics
import tempfile
import threading
import time
from collections.abc import Iterator
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


@dataclass
class Latencies:
    """Seconds of the answers to one kind of request."""

    seconds: list[float] = field(default_factory=list)

    def quantile(self, share: float) -> float:
        """The `share` quantile, milliseconds."""
        return 1000 * float(np.quantile(self.seconds, share)) if self.seconds else float("nan")

    def __str__(self) -> str:
        middle = 1000 * statistics.median(self.seconds) if self.seconds else float("nan")
        return f"n {len(self.seconds):4d}  p50 {middle:6.1f} ms  p99 {self.quantile(0.99):6.1f} ms"


class Load:
    """A project of moving squares, and the events that labelling it would send."""

    def __init__(self, backend: BackendServer, frames: int) -> None:
        self.backend = backend
        self.frames = frames
        self.http = httpx.Client(base_url=backend.url, timeout=30, trust_env=False)
        self.annotation = 0

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
        self.http.post("/setup", json={"project": "1.1", "schema": CONFIG}).raise_for_status()
        self.post("TASKS_CREATED", tasks=[self.task(n) for n in range(1, self.frames + 1)])

    def corner(self, number: int) -> tuple[int, int]:
        """Where the square of a frame is."""
        return (number * 7) % (WIDTH - SIDE), (number * 3) % (HEIGHT - SIDE)

    def task(self, number: int) -> dict[str, Any]:
        """The task of a frame."""
        return {
            "id": number,
            "data": {"image": f"/data/local-files/?d={number}.jpg", "video": "squares", "frame": number},
        }

    def label(self, number: int) -> httpx.Response:
        """Submit the annotation of a frame."""
        self.annotation += 1
        x, y = self.corner(number)
        value = {
            "x": 100 * x / WIDTH, "y": 100 * y / HEIGHT, "width": 100 * SIDE / WIDTH, "height": 100 * SIDE / HEIGHT,
            "rotation": 0, "rectanglelabels": ["square"],
        }  # fmt: skip
        region = {"id": f"r{self.annotation}", "from_name": "label", "to_name": "image", "type": "rectanglelabels",
                  "original_width": WIDTH, "original_height": HEIGHT, "value": value}  # fmt: skip
        row = {"id": self.annotation, "task": number, "result": [region], "was_cancelled": False,
               "updated_at": datetime.now(UTC).isoformat()}  # fmt: skip
        return self.post("ANNOTATION_CREATED", annotation=row, task=self.task(number))

    def post(self, action: str, **payload: Any) -> httpx.Response:
        """Send one webhook."""
        body = {"action": action, "project": {"id": 1, "label_config": CONFIG}, **payload}
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


def main() -> None:
    """Run it and print the figures."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=float, default=20)
    parser.add_argument("--rate", type=float, default=25)
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        media = folder / "media"
        media.mkdir()
        env = {"MICRO_MODELS_DOCUMENT_ROOT": str(media)}
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
