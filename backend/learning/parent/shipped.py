"""The parent that comes with the package: what a group's first training starts from."""

from importlib import resources
from pathlib import Path

import numpy as np
from safetensors import safe_open
from safetensors.numpy import load_file, save_file

from backend.learning.parent.network import ParentNetwork, state_for
from backend.learning.parent.recipe import ParentRecipe
from backend.learning.warm_start import BACKBONE, KIND
from backend.types import Head, Start, Weights

NAME = "parent.safetensors"
"""In the folder of this module; `parent.md` beside it says what it was trained on."""


def shipped(head: Head, backbone: str, path: Path | None = None) -> Weights | None:
    """The start of a head's micro-models; None where there is none for this head or this backbone."""
    with resources.as_file(resources.files("backend.learning.parent") / NAME) as own:
        where = path or own
        if not where.is_file():
            return None
        with safe_open(where, "numpy") as file:
            trained_for = (file.metadata() or {}).get(BACKBONE)
        arrays = state_for(head, load_file(where)) if trained_for == backbone else {}
    metadata = {"head": head.value, KIND: Start.SHIPPED.value, BACKBONE: backbone}
    return Weights(arrays, metadata) if arrays else None


def pack(network: ParentNetwork, recipe: ParentRecipe, path: Path) -> None:
    """Write what `shipped` reads."""
    arrays = {name: np.ascontiguousarray(array) for name, array in network.own_state().items()}
    path.parent.mkdir(parents=True, exist_ok=True)
    save_file(arrays, path, {BACKBONE: recipe.backbone})
