"""A U-Net (Ronneberger et al. 2015) on the micro-model's own pretrained backbone, trained as textbooks say.

Random crops and flips, Adam, cross entropy plus Dice; the encoder's batch norm keeps the statistics of ImageNet.
"""

from collections.abc import Sequence

import numpy as np
import segmentation_models_pytorch as smp
import torch
from torch import Tensor
from torch.nn import functional

from backend.learning.network.backbone import DEFAULT_BACKBONE, FEATURE_STRIDES, _body
from backend.learning.segmentation.masks import MASK_MIN_PROBABILITY, instance, masks_of
from backend.types import Frame, Head, Prediction
from tests.benchmarks.baselines.baseline import Baseline, Given

SIDE = 384
"""Longest side of scaled frames, pixels."""
MULTIPLE = 16
"""Sides of what goes through the network, pixels."""
CROP, BATCH, STEPS = 192, 4, 100
RATE = 1e-3
CHANNELS = (64, 48, 32, 16)
"""Of the decoder's stages, the coarsest first."""


def predict(given: Given) -> list[Prediction]:
    """See Baseline."""
    model = _trained(given)
    return [_predicted(model, frame, given.labels) for frame in given.frames]


def _trained(given: Given) -> torch.nn.Module:
    torch.manual_seed(given.seed)
    rng = np.random.default_rng(given.seed)
    model = _network(len(given.labels))
    images = [_scaled(one.frame) for one in given.labeled]
    masks = [
        functional.interpolate(torch.from_numpy(masks_of(one, given.labels)).float()[None], image.shape[1:])[0]
        for one, image in zip(given.labeled, images, strict=True)
    ]
    optimizer = torch.optim.Adam(model.parameters(), RATE)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, RATE, total_steps=STEPS)
    dice = smp.losses.DiceLoss("multilabel")
    for _ in range(STEPS):
        pictures, wanted = _batch(images, masks, rng)
        logits = model(pictures)
        loss = functional.binary_cross_entropy_with_logits(logits, wanted) + dice(logits, wanted)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        schedule.step()
    return model.eval()


def _network(labels: int) -> torch.nn.Module:
    model = smp.Unet(
        f"tu-{DEFAULT_BACKBONE}",
        encoder_depth=len(CHANNELS),
        encoder_weights=None,
        decoder_channels=CHANNELS,
        classes=labels,
    )
    pretrained, own = _body(DEFAULT_BACKBONE, FEATURE_STRIDES), model.encoder.model
    own.blocks = own.blocks[: len(pretrained.blocks)]  # the others are behind the coarsest features
    own.load_state_dict(pretrained.state_dict())
    model.train()
    model.encoder.eval()
    return model


def _scaled(frame: Frame) -> Tensor:
    """(3, height, width) RGB in [-1, 1], as the backbone was trained on."""
    scale = min(SIDE / max(frame.width, frame.height), 1.0)
    height, width = (max(round(side * scale / MULTIPLE), 1) * MULTIPLE for side in (frame.height, frame.width))
    pixels = torch.from_numpy(frame.image).permute(2, 0, 1).float()[None] / 127.5 - 1
    return functional.interpolate(pixels, (height, width), mode="bilinear", antialias=True)[0]


def _batch(images: Sequence[Tensor], masks: Sequence[Tensor], rng: np.random.Generator) -> tuple[Tensor, Tensor]:
    pairs = [_crop(images[i], masks[i], rng) for i in rng.integers(len(images), size=BATCH)]
    return torch.stack([image for image, _ in pairs]), torch.stack([mask for _, mask in pairs])


def _crop(image: Tensor, mask: Tensor, rng: np.random.Generator) -> tuple[Tensor, Tensor]:
    """As large as a crop may be, or the whole of smaller frames (all of a group are of one size); every other one flipped."""
    sides = [min(CROP, side) for side in image.shape[1:]]
    y, x = (int(rng.integers(side - own + 1)) for side, own in zip(image.shape[1:], sides, strict=True))
    flipped = bool(rng.integers(2))
    parts = [one[:, y : y + sides[0], x : x + sides[1]] for one in (image, mask)]
    image, mask = (one.flip(2) if flipped else one for one in parts)
    return image, mask


@torch.inference_mode()
def _predicted(model: torch.nn.Module, frame: Frame, labels: Sequence[str]) -> Prediction:
    logits = model(_scaled(frame)[None])
    size = frame.height, frame.width
    chances = torch.sigmoid(functional.interpolate(logits, size, mode="bilinear"))[0].numpy()
    shown = [
        instance(label, own >= MASK_MIN_PROBABILITY, own)
        for label, own in zip(labels, chances, strict=True)
        if (own >= MASK_MIN_PROBABILITY).any()
    ]
    return Prediction(frame.task, tuple(shown), min((one.score for one in shown), default=1 - float(chances.max())))


BASELINE = Baseline("U-Net", frozenset({Head.SEGMENTATION}), predict, by_lot=True)
