"""How long whoever draws with a smart tool waits: boxes and clicks at rest and while a training runs, without segment-anything.

    python -m tests.benchmarks.clicking [--prompts 40] [--pause 1.0]

Starts a backend of its own, without Label Studio. Nobody has drawn a mask, so that each answer is the last of the ladder
(colours and features), the slowest one; meanwhile a micro-model learns boxes. The first prompt comes some seconds after the
editor was opened, as people are that slow.
"""

import argparse
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from backend.demo.backend_server import BackendServer
from tests.benchmarks.serving import HEIGHT, SIDE, WIDTH, Latencies, Load

CONFIG = (
    '<View><Image name="image" value="$image"/>'
    '<BrushLabels name="mask" toName="image"><Label value="square"/></BrushLabels>'
    '<RectangleLabels name="label" toName="image" smart="true"><Label value="square"/></RectangleLabels>'
    '<KeyPointLabels name="click" toName="image" smart="true"><Label value="square"/></KeyPointLabels></View>'
)
OPENED = 5.0
"""Seconds from opening the editor to the first prompt."""

PATIENCE = 120.0
"""Seconds after which an answer is given up: a busy machine takes long to load what the first one needs."""


def prompts(load: Load, number: int) -> Iterator[tuple[str, list[dict[str, Any]]]]:
    """A rough box, a click, and that with one beside the object, on one frame: each by name with the drawn regions."""
    x, y = load.corner(number)
    common = {"to_name": "image", "original_width": WIDTH, "original_height": HEIGHT}

    def click(dx: float, dy: float, positive: bool) -> dict[str, Any]:
        value = {"x": 100 * (x + dx) / WIDTH, "y": 100 * (y + dy) / HEIGHT, "width": 0.5, "keypointlabels": ["square"]}
        named = {"id": f"k{dx}", "from_name": "click", "type": "keypointlabels", "is_positive": positive}
        return {**common, **named, "value": value}

    sides = {"width": 110 * SIDE / WIDTH, "height": 90 * SIDE / HEIGHT, "rotation": 0}
    value = {"x": 100 * x / WIDTH, "y": 100 * y / HEIGHT, **sides, "rectanglelabels": ["square"]}
    yield "box", [{**common, "id": "r", "from_name": "label", "type": "rectanglelabels", "value": value}]
    yield "click", [click(SIDE / 2, SIDE / 2, True)]
    yield "two clicks", [click(SIDE / 2, SIDE / 2, True), click(SIDE + 9, SIDE + 9, False)]


def draw(load: Load, count: int, pause: float, state: str | None = None) -> dict[str, Latencies]:
    """The waits for `count` prompts of each kind at most, as long as the group is in `state`."""
    found: dict[str, Latencies] = {}
    for number in range(1, count + 1):
        if state is not None and load.group()["state"] != state:
            break
        for kind, drawn in prompts(load, 1 + number % load.frames):
            body = {"tasks": [load.task(1 + number % load.frames)], "project": "1.1", "label_config": CONFIG,
                    "params": {"context": {"result": drawn}}}  # fmt: skip
            began = time.perf_counter()
            [answer] = load.http.post("/predict", json=body, timeout=PATIENCE).raise_for_status().json()["results"]
            found.setdefault(kind, Latencies()).seconds.append(time.perf_counter() - began)
            if len(answer["result"]) != 1:
                raise RuntimeError(f"a {kind} is answered by {len(answer['result'])} regions, expected one")
            time.sleep(pause)
    return found


def told(name: str, found: dict[str, Latencies]) -> None:
    """Print the waits of each kind."""
    for kind, waits in found.items():
        print(f"{name:9s} {kind:10s} {waits}  p95 {waits.quantile(0.95):6.1f} ms", flush=True)


def main() -> None:
    """Run it and print the figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--prompts", type=int, default=40)
    parser.add_argument("--pause", type=float, default=1.0, help="seconds between an answer and the next prompt")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        media = Path(name) / "media"
        media.mkdir()
        env = {"MICRO_MODELS_DOCUMENT_ROOT": str(media)}
        with BackendServer(Path(name) / "data", "", "", extra_env=env) as backend:
            load = Load(backend, 60, config=CONFIG)
            load.create(media)
            time.sleep(OPENED)
            first = draw(load, 1, args.pause)
            print("first    ", {kind: round(float(np.max(waits.seconds)), 2) for kind, waits in first.items()}, "s")
            told("at rest", draw(load, args.prompts, args.pause))
            for number in (5, 15, 25, 35, 45):
                load.label(number)
            load.wait("training")
            told("training", draw(load, args.prompts, args.pause, "training"))


if __name__ == "__main__":
    main()
