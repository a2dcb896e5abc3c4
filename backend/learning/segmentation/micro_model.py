"""A trained segmentation micro-model, loaded and ready to predict."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import islice

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from backend.learning.geometry.scaling import to_batch, to_tensor
from backend.learning.network.device import find_device
from backend.learning.network.micro_model import NetworkModel, restored
from backend.learning.segmentation import distractors, flow, masks, presence_prior
from backend.learning.segmentation.config import SegmentationBlueprint
from backend.learning.segmentation.head import SegmentationNetwork
from backend.types import Frame, LabeledFrame, Prediction, Weights

TOGETHER = 96
"""Frames whose log odds are held at once, to agree with each other: bounds memory."""

Floats = NDArray[np.float32]


@dataclass(frozen=True, slots=True, eq=False)
class Look:
    """What the network sees in one frame."""

    task: int
    order: float | None
    size: tuple[int, int]
    """Width and height of the original frame, pixels."""
    pixels: Tensor
    """(3, height, width) uint8, scaled."""
    odds: Floats
    """(labels, height, width) log odds, scaled."""


class SegmentationModel(NetworkModel[SegmentationNetwork, SegmentationBlueprint]):
    """Outlines one group's objects."""

    def predict(self, frames: Iterable[Frame], labeled: Sequence[LabeledFrame] = ()) -> list[Prediction]:
        """One prediction a frame, in order. Frames are streamed; their neighbours in time help where `order` is given.

        `labeled` are frames of the group that a person labelled: their masks flow into their neighbours.
        """
        return [self._prediction(look, odds) for look, odds in self.see(frames, labeled)]

    def see(self, frames: Iterable[Frame], labeled: Sequence[LabeledFrame] = ()) -> Iterator[tuple[Look, Floats]]:
        """What is seen in each frame, and the log odds that neighbours in time agree on."""
        source = iter(frames)
        while looks := [self.look(frame) for frame in islice(source, TOGETHER)]:
            yield from zip(looks, self._agreed(looks, labeled), strict=True)

    def look(self, frame: Frame) -> Look:
        """What the network alone sees in a frame."""
        pixels, _ = to_tensor(frame, self.blueprint.scale)
        with torch.inference_mode():
            odds = self.network(to_batch([pixels.to(self.device)]))[0, :, : pixels.shape[1], : pixels.shape[2]]
        return Look(frame.task, frame.order, (frame.width, frame.height), pixels, odds.float().cpu().numpy())

    def _agreed(self, looks: Sequence[Look], labeled: Sequence[LabeledFrame]) -> list[Floats]:
        orders = [look.order for look in looks if look.order is not None]
        if not looks or len(set(orders)) < len(looks):
            return [look.odds for look in looks]
        steps = [(look.order or 0.0, self._step(look, labeled)) for look in looks]
        steps += list(self._anchors(labeled, orders))
        together = sorted(range(len(steps)), key=lambda i: steps[i][0])
        in_time = [steps[i][1] for i in together]
        ways = flow.ways_between(in_time)
        fused = [replace(step, odds=odds) for step, odds in zip(in_time, flow.fuse(in_time, ways), strict=True)]
        clear = distractors.doubted(fused, ways)
        place = np.argsort(together)
        return [clear[place[i]] for i in range(len(looks))]

    def _step(self, look: Look, labeled: Sequence[LabeledFrame]) -> flow.Step:
        lost = presence_prior.penalty(look.order or 0.0, labeled, self.labels)
        return flow.Step(_grey(look.pixels), look.odds - lost[:, None, None], False)

    def _anchors(self, labeled: Sequence[LabeledFrame], orders: Sequence[float]) -> Iterator[tuple[float, flow.Step]]:
        """The labelled frames between these in time, and the next one on either side."""
        placed = sorted(
            (one for one in labeled if one.frame.order is not None and one.frame.order not in orders),
            key=lambda one: one.frame.order or 0.0,
        )
        at = [one.frame.order or 0.0 for one in placed]
        first, last = np.searchsorted(at, min(orders)), np.searchsorted(at, max(orders))
        for one in placed[max(int(first) - 1, 0) : int(last) + 1]:
            pixels, _ = to_tensor(one.frame, self.blueprint.scale)
            drawn = scaled_masks(one, self.labels, (pixels.shape[1], pixels.shape[2])) >= 0.5
            yield one.frame.order or 0.0, flow.Step(_grey(pixels), flow.drawn_odds(drawn.numpy()), True)

    def _prediction(self, look: Look, odds: Floats) -> Prediction:
        instances, score = [], 1.0
        for label, sizes, own in zip(self.labels, self.blueprint.sizes, odds, strict=True):
            large = cv2.resize(own, look.size, interpolation=cv2.INTER_LINEAR)
            chances = np.asarray(1 / (1 + np.exp(-np.clip(large, -30, 30))), np.float32)
            mask = masks.shown(chances, sizes)
            if mask.any():
                instances.append(masks.instance(label, mask, chances))
            score *= masks.untouched(chances, mask)
        return Prediction(look.task, tuple(instances), min(max(score, 0.0), 1.0))


def scaled_masks(labeled: LabeledFrame, labels: Sequence[str], size: tuple[int, int]) -> Tensor:
    """(labels, height, width) in [0, 1]: the share of each scaled pixel that is covered."""
    drawn = torch.from_numpy(masks.masks_of(labeled, labels)).float()[None]
    smaller = size[0] < drawn.shape[2] or size[1] < drawn.shape[3]
    return functional.interpolate(drawn, size, mode="bilinear", antialias=smaller)[0]


def load(weights: Weights, device: str = "auto") -> SegmentationModel:
    """The micro-model of an artifact; raises TrainingError where the weights are of another version."""
    blueprint, place = SegmentationBlueprint.from_metadata(weights.metadata), find_device(device)
    return SegmentationModel(restored(blueprint, weights, place), blueprint, place)


def _grey(pixels: Tensor) -> NDArray[np.uint8]:
    return flow.shrunk(np.ascontiguousarray(pixels.permute(1, 2, 0).cpu().numpy()))
