"""Made-up scenes of kinds that labelled clips seldom show: crowds, small things in large frames, thin ones; with exact labels.

    python -m tests.benchmarks.scenes FOLDER
    python -m tests.benchmarks.learning FOLDER/detection; python -m tests.benchmarks.heads FOLDER/segmentation

Coloured discs or worms wander over a rough ground among squares that don't count. The same call makes the same scenes.
"""

import argparse
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFilter

COLOUR = (170, 55, 50)
GROUND = (150, 20)
"""Mean and deviation of its grey levels."""

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Scene:
    """What is seen, and how often."""

    head: str
    things: int
    frames: int
    size: tuple[int, int]
    radius: float
    thin: bool = False
    squares: int = 60


SCENES = {
    "crowd": Scene("detection", 150, 60, (640, 480), 6.5),
    "long_crowd": Scene("detection", 150, 300, (640, 480), 6.5),
    "small_in_hd": Scene("detection", 12, 50, (1920, 1080), 6, squares=400),
    "small_in_uhd": Scene("detection", 12, 50, (3840, 2160), 7, squares=400),
    "cells": Scene("segmentation", 100, 40, (640, 480), 7),
    "tiny_in_hd": Scene("segmentation", 20, 40, (1920, 1080), 6),
    "worms": Scene("segmentation", 12, 40, (640, 480), 8, thin=True),
}


def make(scene: Scene, folder: Path, seed: int = 1) -> None:
    """As a folder that `backend.demo.folder` reads."""
    rng = np.random.default_rng(seed)
    for part in ("frames", "masks"):
        (folder / part).mkdir(parents=True, exist_ok=True)
    ground = _ground(scene, rng)
    places: Floats = rng.uniform(0, scene.size, (scene.things, 2))
    steps: Floats = np.zeros((scene.things, 2))
    sides = rng.uniform(0.8, 1.2, (scene.things, 2)) * scene.radius
    colours = (COLOUR + rng.normal(0, 15, (scene.things, 3))).clip(0, 255).astype(int)
    angles, frames = rng.uniform(0, 2 * np.pi, scene.things), list[dict[str, Any]]()
    for number in range(scene.frames):
        steps = 0.9 * steps + rng.normal(0, 0.8, steps.shape)
        places, angles = (places + steps) % scene.size, angles + rng.normal(0, 0.05, scene.things)
        image, mask, objects = ground.copy(), Image.new("L", scene.size), list[dict[str, Any]]()
        for place, side, colour, angle in zip(places, sides, colours, angles, strict=True):
            corners = np.concatenate([place - side, place + side])
            _draw(image, scene, corners, angle, number, tuple(colour.tolist()))
            _draw(mask, scene, corners, angle, number, 1)
            inside = corners.clip(0, [*scene.size, *scene.size])
            if (inside[2:] - inside[:2]).min() > scene.radius:
                objects.append({"label": "thing", "box": inside.tolist()})
        name = f"{number:06d}"
        image.filter(ImageFilter.GaussianBlur(1)).save(folder / "frames" / f"{name}.jpg", quality=90)
        mask.save(folder / "masks" / f"{name}.png")
        frames.append({"file": f"{name}.jpg", "index": number, "objects": objects, "mask": f"masks/{name}.png"})
    width, height = scene.size
    described = {"task": scene.head, "width": width, "height": height, "classes": ["thing"], "frames": frames}
    (folder / "labels.json").write_text(json.dumps(described), encoding="utf-8")


def _ground(scene: Scene, rng: np.random.Generator) -> Image.Image:
    width, height = scene.size
    rough = rng.normal(*GROUND, (height // 6, width // 6, 3)).clip(0, 255).astype(np.uint8)
    ground = Image.fromarray(rough).resize(scene.size, Image.Resampling.BICUBIC)
    pen = ImageDraw.Draw(ground)
    for _ in range(scene.squares):
        place, half = rng.uniform(0, scene.size), rng.uniform(0.6, 1) * scene.radius
        colour = tuple(rng.integers(60, 160, 3).tolist())
        pen.rectangle([*(place - half), *(place + half)], fill=colour)
    return ground


def _draw(image: Image.Image, scene: Scene, corners: Floats, angle: float, number: int, colour: Any) -> None:
    pen = ImageDraw.Draw(image)
    if not scene.thin:
        pen.ellipse(corners.tolist(), fill=colour)
        return
    along, radius = np.linspace(-1, 1, 12), scene.radius
    forth, aside = 6 * radius * along, radius * np.sin(3 * along + 0.1 * number + angle)
    x = (corners[0] + corners[2]) / 2 + forth * np.cos(angle) + aside * np.sin(angle)
    y = (corners[1] + corners[3]) / 2 + forth * np.sin(angle) - aside * np.cos(angle)
    pen.line(list(zip(x.tolist(), y.tolist(), strict=True)), fill=colour, width=max(int(radius / 2), 2))


def main() -> None:
    """Make all of them."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("folder", type=Path)
    folder = options.parse_args().folder
    for name, scene in SCENES.items():
        make(scene, folder / scene.head / name)


if __name__ == "__main__":
    main()
