"""The data card of a parent: what it was trained on, by which code, for how long, and how wrong it is."""

import subprocess
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path

from backend.learning.parent.photos import FREE
from backend.learning.parent.recipe import ParentRecipe

CARD = """# The shipped parent

Pyramid and heads that a group's first training starts from, where no better start is at hand. Made by `make parent`:
anew, it takes the same clips in the same order.

## What it was trained on

Clips that `backend/learning/parent` makes up, and nothing else: figures with textured bodies and limbs that move, turn,
blur, shrink and hide behind each other among look-alikes, over moving grounds, in colour and in grey; and tissue-like
structures. {clips} clips of {frames} frames each, made by numbers from seed {seed}. Boxes, masks and keypoints come with
them. No frame, label or weight of any data set was used besides these:

- the backbone {backbone}, pretrained on ImageNet, whose layers {frozen} were left as they are;
- surfaces cut from photographs in scikit-image's package, all of them CC0 or without known copyright restrictions, by
  the docstrings of `skimage.data`: {photos}.

Trained for what it is used for: the last row of each head is fitted in closed form to half of a clip's frames, and all
that lies before it learns from how wrong that row is on the other half.

## By which code

Commit {commit}; {steps} steps in {minutes} minutes on {device}. Recipe: {recipe}.

## How wrong it is

Losses on {held} clips of another seed: {losses}.
"""


def card(recipe: ParentRecipe, facts: Mapping[str, str], losses: Mapping[str, float]) -> str:
    """As Markdown. `facts` are commit, steps, minutes, device, held."""
    return CARD.format(
        clips=-(-recipe.steps // recipe.visits),
        frames=recipe.frames,
        seed=recipe.seed,
        backbone=recipe.backbone,
        frozen=", ".join(layer or "(all)" for layer in recipe.frozen),
        photos=", ".join(FREE),
        recipe=", ".join(f"{name} {value}" for name, value in asdict(recipe).items()),
        losses=", ".join(f"{name} {loss:.3f}" for name, loss in sorted(losses.items())),
        **facts,
    )


def commit(folder: Path) -> str:
    """Of the code in this folder; says so where it differs from the commit, or where there is none."""
    call = ["git", "-C", str(folder), "describe", "--always", "--abbrev=12", "--dirty=, changed"]
    try:
        return subprocess.run(call, capture_output=True, text=True, check=True).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        return "unknown"
