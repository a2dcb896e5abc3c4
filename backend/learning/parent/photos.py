"""Photographs to cut surfaces from: those in scikit-image's package that are in the public domain."""

import importlib

import numpy as np

from backend.errors import TrainingError
from backend.types import Image

FREE = (
    "astronaut",
    "brick",
    "camera",
    "cell",
    "chelsea",
    "coffee",
    "coins",
    "grass",
    "gravel",
    "hubble_deep_field",
    "immunohistochemistry",
    "retina",
    "rocket",
)
"""By the docstrings of skimage.data: CC0, or without known restrictions."""


def photos() -> list[Image]:
    """(height, width, 3) RGB each. TrainingError where the package is not installed."""
    try:
        data = importlib.import_module("skimage.data")
    except ImportError:
        raise TrainingError(
            "scikit-image is not installed, which `make parent` cuts surfaces from: make parent."
        ) from None
    return [_rgb(np.asarray(getattr(data, name)())) for name in FREE]


def _rgb(image: Image) -> Image:
    return np.repeat(image[..., None], 3, 2) if image.ndim == 2 else image[..., :3]
