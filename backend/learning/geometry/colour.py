"""Other light, colours and sharpness for training crops: what changes within a group without changing what is shown."""

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

BRIGHTNESS_CHANGE_LIMIT = 0.25
"""Limit of the random change of brightness and contrast, as a share."""
CHANNEL_CHANGE_LIMIT = 0.06
"""Limit of the random change of each colour channel, as a share; colour often tells look-alikes apart."""
NOISE_DEVIATION_LIMIT = 0.03
"""Largest deviation of random noise, of a range of 1."""
BLUR_SHARE = 0.25
"""Share of crops that get a motion blur; what moves fast is blurred on frames that nobody labelled."""
BLUR_LENGTH = 11
"""Longest motion blur, pixels of the crop."""


def recolour(image: Tensor, rng: np.random.Generator) -> Tensor:
    """(3, h, w) in [0, 1] with other light, colours, noise and now and then a motion blur."""
    if rng.random() < BLUR_SHARE:
        image = _motion_blur(image, rng)
    return relight(image, BRIGHTNESS_CHANGE_LIMIT, CHANNEL_CHANGE_LIMIT, rng)


def relight(image: Tensor, light: float, tint: float, rng: np.random.Generator) -> Tensor:
    """(3, h, w) in [0, 1] with other light, colours and noise; `light` and `tint` are limits as above."""
    contrast, brightness = 1 + rng.uniform(-light, light), rng.uniform(-light, light) / 2
    gain = torch.tensor(contrast * (1 + rng.uniform(-tint, tint, 3)), dtype=torch.float32, device=image.device)
    gain, deviation = gain.view(3, 1, 1), rng.uniform(0, NOISE_DEVIATION_LIMIT)
    chance = torch.Generator(image.device).manual_seed(int(rng.integers(2**63)))
    noise = torch.randn(image.shape, generator=chance, device=image.device)
    return noise.mul_(deviation).addcmul_(image, gain).add_(0.5 - 0.5 * gain + brightness).clamp_(0, 1)


def _motion_blur(image: Tensor, rng: np.random.Generator) -> Tensor:
    length, angle = rng.uniform(2, BLUR_LENGTH), rng.uniform(0, np.pi)
    half = BLUR_LENGTH // 2
    kernel = np.zeros((BLUR_LENGTH, BLUR_LENGTH), np.float32)
    for step in np.linspace(-length / 2, length / 2, 4 * BLUR_LENGTH):
        kernel[round(half + step * np.sin(angle)), round(half + step * np.cos(angle))] += 1
    # A line has a dozen cells of the kernel's 121: adding shifted images takes a fifth of a convolution's time.
    height, width = image.shape[1:]
    wide, blurred = functional.pad(image, (half,) * 4), torch.zeros_like(image)
    for row, column in np.argwhere(kernel):
        share = float(kernel[row, column] / kernel.sum())
        blurred.add_(wide[:, row : row + height, column : column + width], alpha=share)
    return blurred
