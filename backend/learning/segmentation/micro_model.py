"""A trained segmentation micro-model, loaded and ready to predict."""

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import islice

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from backend.learning.detection.count_prior import no_more, odds_of_frames
from backend.learning.fitting.training_input import EnclosingBoxes
from backend.learning.geometry.scaling import to_batch, to_tensor
from backend.learning.network.device import find_device
from backend.learning.network.micro_model import NetworkModel, restored
from backend.learning.network.threads import at_best_threads
from backend.learning.score import frame_score
from backend.learning.segmentation import distractors, flow, masks, outlines, presence_prior
from backend.learning.segmentation.config import SegmentationConfig
from backend.learning.segmentation.head import SegmentationNetwork
from backend.types import Frame, Instance, LabeledFrame, Prediction, Weights

FRAMES_PER_BATCH = 96
"""Frames whose log odds are held at once, to agree with each other: bounds memory."""

Floats = NDArray[np.float32]


@dataclass(frozen=True, slots=True, eq=False)
class FrameLogits:
    """The network's output for one frame."""

    task: int
    order: float | None
    size: tuple[int, int]
    """Width and height of the original frame, pixels."""
    pixels: Tensor
    """(3, height, width) uint8, scaled."""
    odds: Floats
    """(labels, height, width) log odds, scaled."""


@dataclass(frozen=True, slots=True, eq=False)
class FrameMasks:
    """The masks that are shown in one frame."""

    task: int
    order: float | None
    instances: tuple[Instance, ...]
    overlooked: Mapping[str, float]
    """Of each label that is not shown, how probable it is that it is there."""


class SegmentationModel(NetworkModel[SegmentationNetwork, SegmentationConfig]):
    """Outlines one group's objects."""

    def predict(
        self,
        frames: Iterable[Frame],
        labeled: Sequence[LabeledFrame] = (),
        enclosing_boxes: EnclosingBoxes | None = None,
    ) -> list[Prediction]:
        """One prediction a frame, in order. Frames are streamed; their neighbours in time help where `order` is given.

        `labeled` are frames of the group that a person labelled: their masks flow into their neighbours.
        """
        found = [self._masks(logits, odds) for logits, odds in self.see(frames, labeled)]
        absent = self._absent([one.order for one in found], labeled)
        return [self._prediction(one, row) for one, row in zip(found, absent, strict=True)]

    def see(
        self, frames: Iterable[Frame], labeled: Sequence[LabeledFrame] = ()
    ) -> Iterator[tuple[FrameLogits, Floats]]:
        """Each frame's logits, and these fused with its neighbours in time."""
        source = at_best_threads(frames)
        while all_logits := [self.logits_of(frame) for frame in islice(source, FRAMES_PER_BATCH)]:
            yield from zip(all_logits, self._fuse_in_time(all_logits, labeled), strict=True)

    def logits_of(self, frame: Frame) -> FrameLogits:
        """The logits of a frame by itself."""
        pixels, _ = to_tensor(frame, self.config.scale)
        with torch.inference_mode():
            odds = self.network(to_batch([pixels.to(self.device)]))[0, :, : pixels.shape[1], : pixels.shape[2]]
        return FrameLogits(frame.task, frame.order, (frame.width, frame.height), pixels, odds.float().cpu().numpy())

    def _fuse_in_time(self, all_logits: Sequence[FrameLogits], labeled: Sequence[LabeledFrame]) -> list[Floats]:
        orders = [logits.order for logits in all_logits if logits.order is not None]
        if not self.config.linking or len(set(orders)) < len(all_logits):
            return [logits.odds for logits in all_logits]
        frames = [(logits.order or 0.0, self._flow_frame(logits, labeled)) for logits in all_logits]
        frames += list(self._anchors(labeled, orders))
        together = sorted(range(len(frames)), key=lambda i: frames[i][0])
        in_time = [frames[i][1] for i in together]
        flows = flow.flows_between(in_time)
        fused = [replace(step, odds=odds) for step, odds in zip(in_time, flow.fuse(in_time, flows), strict=True)]
        clear = [step.odds for step in fused]
        if self.config.distractor_suppression:
            clear = distractors.suppress_distractors(fused, flows)
        if self.config.own_outlines:
            clear = outlines.keep_own_outlines(in_time, clear, flows)
        place = np.argsort(together)
        return [clear[place[i]] for i in range(len(all_logits))]

    def _flow_frame(self, logits: FrameLogits, labeled: Sequence[LabeledFrame]) -> flow.FlowFrame:
        odds = logits.odds
        if self.config.presence_prior:
            odds = odds - presence_prior.penalty(logits.order or 0.0, labeled, self.labels)[:, None, None]
        return flow.FlowFrame(_grey(logits.pixels), odds, False)

    def _anchors(
        self, labeled: Sequence[LabeledFrame], orders: Sequence[float]
    ) -> Iterator[tuple[float, flow.FlowFrame]]:
        """The labelled frames between these in time, and the next one on either side."""
        placed = sorted(
            (one for one in labeled if one.frame.order is not None and one.frame.order not in orders),
            key=lambda one: one.frame.order or 0.0,
        )
        at = [one.frame.order or 0.0 for one in placed]
        first, last = np.searchsorted(at, min(orders)), np.searchsorted(at, max(orders))
        for one in placed[max(int(first) - 1, 0) : int(last) + 1]:
            pixels, _ = to_tensor(one.frame, self.config.scale)
            drawn = scaled_masks(one, self.labels, (pixels.shape[1], pixels.shape[2])) >= 0.5
            yield one.frame.order or 0.0, flow.FlowFrame(_grey(pixels), flow.log_odds_of_masks(drawn.numpy()), True)

    def _masks(self, logits: FrameLogits, odds: Floats) -> FrameMasks:
        instances, overlooked = [], {}
        for label, sizes, own in zip(self.labels, self.config.sizes, odds, strict=True):
            large = cv2.resize(own, logits.size, interpolation=cv2.INTER_LINEAR)
            chances = np.asarray(1 / (1 + np.exp(-np.clip(large, -30, 30))), np.float32)
            mask = masks.shown(chances, sizes)
            if mask.any():
                instances.append(masks.instance(label, mask, chances))
            else:
                overlooked[label] = masks.overlooked(chances)
        return FrameMasks(logits.task, logits.order, tuple(instances), overlooked)

    def _absent(self, orders: Sequence[float | None], labeled: Sequence[LabeledFrame]) -> list[dict[str, float]]:
        """For each frame, how probably it lacks each label, as the labelled frames tell; 1 where nothing is known."""
        found = [dict.fromkeys(self.labels, 1.0) for _ in orders]
        for label, counts in zip(self.labels, self.config.counts, strict=False):
            known = [(one.frame.order, int(any(i.label == label for i in one.instances))) for one in labeled]
            for row, odds in zip(found, odds_of_frames(orders, known, counts) or (), strict=False):
                row[label] = no_more(odds, 0)
        return found

    def _prediction(self, shown: FrameMasks, absent: Mapping[str, float]) -> Prediction:
        lacking = math.prod(absent[label] for label in shown.overlooked)
        score = frame_score([one.score for one in shown.instances], list(shown.overlooked.values()), lacking)
        return Prediction(shown.task, shown.instances, score)


def scaled_masks(labeled: LabeledFrame, labels: Sequence[str], size: tuple[int, int]) -> Tensor:
    """(labels, height, width) in [0, 1]: the share of each scaled pixel that is covered."""
    drawn = torch.from_numpy(masks.masks_of(labeled, labels)).float()[None]
    smaller = size[0] < drawn.shape[2] or size[1] < drawn.shape[3]
    return functional.interpolate(drawn, size, mode="bilinear", antialias=smaller)[0]


def load(weights: Weights, device: str = "auto") -> SegmentationModel:
    """The micro-model of an artifact; raises TrainingError where the weights are of another version."""
    config, place = SegmentationConfig.from_metadata(weights.metadata), find_device(device)
    return SegmentationModel(restored(config, weights, place), config, place)


def _grey(pixels: Tensor) -> NDArray[np.uint8]:
    return flow.downscaled_grey(np.ascontiguousarray(pixels.permute(1, 2, 0).cpu().numpy()))
