"""How long whoever draws with a smart tool waits: boxes and clicks at rest, while a training runs, with segment-anything's
decoder, and when prompts come faster than they can be answered.

    python -m tests.benchmarks.clicking [--prompts 40] [--pause 1.0] [--rate 50 --seconds 20]

Starts a backend of its own, without Label Studio. Nobody has drawn a mask, so that each answer is the last of the ladder
(colours and features), the slowest one; meanwhile a micro-model learns boxes. The very first prompt comes while the server
still loads what it needs. The decoder is as large as the published ones, with weights by chance behind an encoder in
miniature: its time does not depend on either. CPU seconds are the server's own for each answer: what else the machine does
counts little there.
"""

import argparse
import os
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import httpx

from backend.demo.backend_server import BackendServer
from tests.benchmarks.serving import HEIGHT, SIDE, WIDTH, Latencies, Load, resident_mb, ticks

CONFIG = (
    '<View><Image name="image" value="$image"/>'
    '<BrushLabels name="mask" toName="image"><Label value="square"/></BrushLabels>'
    '<RectangleLabels name="label" toName="image" smart="true"><Label value="square"/></RectangleLabels>'
    '<KeyPointLabels name="click" toName="image" smart="true"><Label value="square"/></KeyPointLabels></View>'
)
SEGMENT_ANYTHING = "segment-anything"
"""As the regions' meta names it."""
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


@dataclass
class Waits:
    """Of one kind of prompt."""

    wall: Latencies = field(default_factory=Latencies)
    cpu: Latencies = field(default_factory=Latencies)


def ask(load: Load, number: int, drawn: list[dict[str, Any]]) -> httpx.Response:
    """One prompt on a frame."""
    body = {"tasks": [load.task(number)], "project": "1.1", "label_config": CONFIG,
            "params": {"context": {"result": drawn}}}  # fmt: skip
    return load.http.post("/predict", json=body, timeout=PATIENCE)


def draw(load: Load, count: int, pause: float, state: str | None = None, who: str | None = None) -> dict[str, Waits]:
    """The waits for `count` prompts of each kind at most, while the group is in `state`; of all answers, or those of `who`."""
    found: dict[str, Waits] = {}
    for number in range(1, count + 1):
        if state is not None and load.group()["state"] != state:
            break
        for kind, drawn in prompts(load, 1 + number % load.frames):
            wall, cpu = time.perf_counter(), cpu_seconds(load.backend.child.pid)
            [answer] = ask(load, 1 + number % load.frames, drawn).raise_for_status().json()["results"]
            wall, cpu = time.perf_counter() - wall, cpu_seconds(load.backend.child.pid) - cpu
            if len(answer["result"]) != 1:
                raise RuntimeError(f"a {kind} is answered by {len(answer['result'])} regions, expected one")
            if who in (None, *answer["result"][0]["meta"]["text"]):
                waits = found.setdefault(kind, Waits())
                waits.wall.seconds.append(wall)
                waits.cpu.seconds.append(cpu)
            time.sleep(pause)
    return found


def cpu_seconds(pid: int) -> float:
    """CPU that a process has used so far, without what it started."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def told(name: str, found: dict[str, Waits]) -> None:
    """Print the waits of each kind."""
    load = os.getloadavg()[0]
    for kind, waits in found.items():
        cpu = f"CPU p50 {waits.cpu.quantile(0.5):4.0f} p95 {waits.cpu.quantile(0.95):4.0f} ms"
        print(
            f"{name:9s} {kind:10s} {waits.wall}  p95 {waits.wall.quantile(0.95):6.1f} ms  {cpu}  load {load:.1f}",
            flush=True,
        )


def besieged(load: Load, rate: float, seconds: float) -> None:
    """Prompts at a rate, whether they are answered or not; prints what came of them."""
    before, waits, seen, stop = resident_mb(load.backend), Latencies(), Counter[str](), threading.Event()

    def one(number: int) -> None:
        began = time.perf_counter()
        try:
            answer = ask(load, number, next(prompts(load, number))[1])
            results = answer.json()["results"][0]["result"] if answer.status_code == httpx.codes.OK else []
            seen[f"{answer.status_code} with {len(results)} regions"] += 1
        except httpx.HTTPError as error:
            seen[type(error).__name__] += 1
        waits.seconds.append(time.perf_counter() - began)

    timer = threading.Timer(seconds, stop.set)
    timer.start()
    with ThreadPoolExecutor(200) as pool:
        for number, _ in enumerate(ticks(stop, 1 / rate)):
            pool.submit(one, 1 + number % load.frames)
    print(f"{rate:.0f}/s for {seconds:.0f} s: {dict(seen)}  {waits}  p95 {waits.quantile(0.95):.1f} ms; server "
          f"{before:.0f} -> {resident_mb(load.backend):.0f} MB  load {os.getloadavg()[0]:.1f}", flush=True)  # fmt: skip


def checkpoint(path: Path) -> Path:
    """A segment-anything checkpoint whose prompt encoder and decoder are as large as the published ones."""
    import torch
    from segment_anything.modeling import ImageEncoderViT, MaskDecoder, PromptEncoder, Sam, TwoWayTransformer

    encoder = ImageEncoderViT(
        img_size=1024, embed_dim=64, depth=1, num_heads=2, out_chans=256, use_rel_pos=True, window_size=14,
        norm_layer=partial(torch.nn.LayerNorm, eps=1e-6),
    )  # fmt: skip
    places = PromptEncoder(
        embed_dim=256, image_embedding_size=(64, 64), input_image_size=(1024, 1024), mask_in_chans=16
    )
    transformer = TwoWayTransformer(depth=2, embedding_dim=256, mlp_dim=2048, num_heads=8)
    torch.save(Sam(encoder, places, MaskDecoder(transformer_dim=256, transformer=transformer)).state_dict(), path)
    return path


def with_sam(folder: Path, media: Path, count: int, pause: float) -> None:
    """The waits for the decoder, where the worker has embedded the frames."""
    env = {"MICRO_MODELS_DOCUMENT_ROOT": str(media), "MICRO_MODELS_SAM_CHECKPOINT": str(checkpoint(folder / "sam.pth"))}
    with BackendServer(folder / "sam", "", "", extra_env=env) as backend:
        load = Load(backend, 10, config=CONFIG)
        load.create(media)
        end = time.monotonic() + PATIENCE
        while not draw(load, 1, pause, who=SEGMENT_ANYTHING) and time.monotonic() < end:
            time.sleep(1)
        told("decoder", draw(load, count, pause, who=SEGMENT_ANYTHING))


def main() -> None:
    """Run it and print the figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--prompts", type=int, default=40)
    parser.add_argument("--pause", type=float, default=1.0, help="seconds between an answer and the next prompt")
    parser.add_argument("--rate", type=float, default=50, help="prompts a second at the end")
    parser.add_argument("--seconds", type=float, default=20, help="of these")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        media = Path(name) / "media"
        media.mkdir()
        env = {"MICRO_MODELS_DOCUMENT_ROOT": str(media)}
        with BackendServer(Path(name) / "data", "", "", extra_env=env) as backend:
            load = Load(backend, 60, config=CONFIG)
            load.create(media)
            told("first", draw(load, 1, 0))
            told("at rest", draw(load, args.prompts, args.pause))
            besieged(load, args.rate, args.seconds)
            for number in (5, 15, 25, 35, 45):
                load.label(number)
            load.wait("training")
            told("training", draw(load, args.prompts, args.pause, "training"))
        with_sam(Path(name), media, args.prompts, args.pause)


if __name__ == "__main__":
    main()
