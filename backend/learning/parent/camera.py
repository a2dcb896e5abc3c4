"""What is between a scene and its frames: a camera that moves, light that changes, noise, blur and compression."""

import math
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from backend.learning.parent.textures import Surface
from backend.types import Image

Floats = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Camera:
    """Of one clip, whose time runs from 0 to 1."""

    pan: tuple[float, float]
    """Move through the clip, sides of the background."""
    shake: float
    """Deviation, pixels."""
    zoom: float
    """Pixels of the background per pixel of the frame."""
    grey: bool
    contrast: float
    light: float
    """Drift of the brightness through the clip, as a share."""
    noise: float
    """Deviation, of a range of 255."""
    coarse: float
    """Frame pixels per pixel of the sensor, at least 1."""
    quality: int
    """Of the JPEG; 0: none."""

    def ground(
        self, background: Surface, time: float, side: int, rng: np.random.Generator
    ) -> tuple[Floats, NDArray[np.float64]]:
        """(side, side, 3) of the background, and how far all that stands on it is moved, pixels."""
        length = background.shape[0]
        moved = np.array(self.pan) * (time - 0.5) * length + rng.normal(0, self.shake, 2)
        corner = (length - side * self.zoom) / 2 + moved
        affine = np.array([[self.zoom, 0, corner[0]], [0, self.zoom, corner[1]]])
        flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
        seen = cv2.warpAffine(background, affine, (side, side), flags=flags, borderMode=cv2.BORDER_REFLECT)
        return np.asarray(seen, np.float32), np.asarray(-moved / self.zoom * 0.5)

    def developed(self, canvas: Floats, time: float, rng: np.random.Generator) -> Image:
        """(side, side, 3) as a file would hold it."""
        side = canvas.shape[0]
        small = np.asarray(canvas)
        if self.coarse > 1:
            small = np.asarray(cv2.resize(canvas, (round(side / self.coarse),) * 2, interpolation=cv2.INTER_AREA))
        if self.grey:
            small = np.repeat(small.mean(2, keepdims=True), 3, axis=2)
        gain = self.contrast * (1 + self.light * math.sin(2 * math.pi * time))
        channels = 1 if self.grey else 3
        grain = rng.standard_normal((*small.shape[:2], channels), np.float32) * self.noise
        small = np.clip((small - 128) * gain + 128 + 80 * self.light * (time - 0.5) + grain, 0, 255)
        if self.quality:
            coded = cv2.imencode(".jpg", small.astype(np.uint8), [cv2.IMWRITE_JPEG_QUALITY, self.quality])[1]
            small = np.asarray(cv2.imdecode(coded, cv2.IMREAD_COLOR))
        if self.coarse > 1:
            small = np.asarray(cv2.resize(small, (side, side), interpolation=cv2.INTER_LINEAR))
        return np.asarray(small, np.uint8)


def camera(rng: np.random.Generator, steady: bool) -> Camera:
    """A random one."""
    still = steady or rng.random() < 0.4
    low = rng.random() < 0.25
    return Camera(
        pan=(0.0, 0.0) if still else tuple(rng.uniform(-0.3, 0.3, 2)),
        shake=0.0 if still else rng.uniform(0, 6),
        zoom=rng.uniform(0.6, 1.8),
        grey=bool(rng.random() < 0.25),
        contrast=rng.uniform(0.3, 0.7) if low else rng.uniform(0.8, 1.2),
        light=rng.uniform(-0.25, 0.25) if rng.random() < 0.6 else 0.0,
        noise=rng.uniform(0, 12) if rng.random() < 0.6 else 1.0,
        coarse=rng.uniform(1, 3) if rng.random() < 0.35 else 1.0,
        quality=int(rng.integers(35, 95)) if rng.random() < 0.6 else 0,
    )
