"""`make parent`: train the parent, or go on where the last call stopped, and write it into the package."""

import dataclasses
import time
from pathlib import Path
from typing import Annotated

import torch
import typer
from rich.console import Console

from backend.errors import MicroModelsError
from backend.learning.device import find_device
from backend.learning.parent import training
from backend.learning.parent.card import card, commit
from backend.learning.parent.photos import photos
from backend.learning.parent.recipe import ParentRecipe
from backend.learning.parent.shipped import NAME, pack

HELD = 48
"""Clips of another seed that the result is measured on."""
SAVED = 120.0
"""Pause between checkpoints, seconds."""

console = Console(highlight=False)


def main(
    steps: Annotated[int, typer.Option(help="Training steps in all.")] = ParentRecipe().steps,
    minutes: Annotated[float, typer.Option(help="Stop after so long; a further call goes on.")] = 600.0,
    folder: Annotated[Path, typer.Option(help="Where it is kept between calls.")] = Path("parent-training"),
    into: Annotated[Path, typer.Option(help="Where the result and its card are written.")] = Path(__file__).parent,
    device: Annotated[str, typer.Option(help="auto, cpu, cuda or cuda:N.")] = "auto",
    threads: Annotated[int, typer.Option(help="Threads; 0: one for each core.")] = 0,
    makers: Annotated[int, typer.Option(help="Other processes that make clips; beside a GPU, one for each core.")] = 0,
) -> None:
    """Train the parent on made-up clips, or go on where the last call stopped; write it once all steps are done."""
    if threads:
        torch.set_num_threads(threads)
    recipe, checkpoint = dataclasses.replace(ParentRecipe(), steps=steps), folder / "checkpoint.safetensors"
    if makers:
        recipe = dataclasses.replace(recipe, visits=1)
    pictures = photos()
    course = training.begin(recipe, pictures, find_device(device))
    if checkpoint.exists():
        training.resume(course, checkpoint)
        console.print(f"Going on after {course.done} of {steps} steps.")
    began = saved = time.monotonic()
    before = course.seconds

    def tell(losses: dict[str, float]) -> None:
        nonlocal saved
        now = time.monotonic()
        course.seconds = before + now - began
        shown = ", ".join(f"{name} {loss:.3f}" for name, loss in sorted(losses.items()))
        console.print(f"{course.done} of {steps} steps, {course.seconds / 60:.1f} minutes: {shown}")
        if now - saved > SAVED or course.done == steps:
            training.save(course, checkpoint)
            saved = now

    training.train(course, pictures, lambda: time.monotonic() - began > 60 * minutes, tell, makers=makers)
    training.save(course, checkpoint)
    if course.done < steps:
        console.print(f"Stopped after {course.done} of {steps} steps; the next call goes on.")
        return
    pack(course.average, recipe, into / NAME)
    facts = {
        "commit": commit(Path(__file__).parent),
        "steps": str(steps),
        "minutes": f"{course.seconds / 60:.0f}",
        "device": f"{course.network.device.type} with {torch.get_num_threads()} threads",
        "held": str(HELD),
    }
    losses = training.examine(course, pictures, HELD)
    (into / NAME).with_suffix(".md").write_text(card(recipe, facts, losses))
    console.print(f"Written: {into / NAME}")


if __name__ == "__main__":
    try:
        typer.run(main)
    except MicroModelsError as error:
        raise SystemExit(str(error)) from error
