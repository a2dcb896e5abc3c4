"""A trained pose micro-model, loaded and ready to predict."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from backend.learning.geometry.crop import Points
from backend.learning.geometry.scaling import to_batch, to_tensor
from backend.learning.network.device import find_device
from backend.learning.network.micro_model import NetworkModel, restored
from backend.learning.pose.config import Blueprint
from backend.learning.pose.head import peaks, probabilities
from backend.learning.pose.network import PoseNetwork
from backend.learning.pose.sample import diagonal, hull, look
from backend.learning.pose.skeleton import settle
from backend.types import Box, Frame, Instance, Keypoint, LabeledFrame, Prediction, Weights

TURNS = ((False, 0), (True, 0), (False, 2), (True, 2), (False, 1), (True, 1), (False, 3), (True, 3))
"""Looks in the order of their use: mirrored or not, quarter turns."""
LOCATED = 0.3
"""Score from which an object is shown that not every labelled frame holds."""
AGAIN = 0.12
"""Distance, in diagonals, of the keypoints' middle from that of the crop, from which is looked again."""


Parents = Mapping[int, Sequence[Instance]]
"""By task, the boxes that keypoints hang on."""
NO_PARENTS: Parents = {}


@dataclass(frozen=True, slots=True, eq=False)
class Found:
    """The keypoints of one object."""

    parent: Instance
    """The box, as handed in or as located."""
    points: Points
    """(keypoints, 2) in pixels of the original frame."""
    scores: NDArray[np.float64]
    """(keypoints,) confidence."""


class PoseModel(NetworkModel[PoseNetwork, Blueprint]):
    """Sees one group's keypoints; its labels are their names."""

    def predict(
        self,
        frames: Iterable[Frame],
        labeled: Sequence[LabeledFrame] = (),
        parents: Parents = NO_PARENTS,
    ) -> list[Prediction]:
        """One prediction a frame, in order. `parents` are the boxes of each task, where keypoints hang on boxes.

        The instances of such a frame are its parents with their keypoints; a frame without parents has none.
        """
        return [_prediction(frame, self.look(frame, parents.get(frame.task, ())), self.blueprint) for frame in frames]

    def look(self, frame: Frame, parents: Sequence[Instance] = ()) -> list[Found]:
        """The keypoints of every object of one frame, also those that are too doubtful to be shown."""
        if not self.blueprint.parented:
            parents = self.locate(frame)
        if not parents:
            return []
        image, factor = to_tensor(frame, self.blueprint.fine)
        image = image.to(self.device)
        found = self.points(image, factor, parents)
        return found if self.blueprint.parented else [self._again(image, factor, one) for one in found]

    def _again(self, image: Tensor, factor: float, found: Found) -> Found:
        """The same, from a better centred crop where the first one was off."""
        sure = found.points[found.scores >= np.median(found.scores)]
        box = hull(sure)
        moved = np.hypot(*(np.add(box[:2], box[2:]) - np.add(found.parent.box[:2], found.parent.box[2:])) / 2)
        if moved < AGAIN * diagonal(found.parent.box) or len(sure) < 2:
            return found
        [second] = self.points(image, factor, [Instance("", box, found.parent.score)])
        return second if second.scores.mean() > found.scores.mean() else found

    def locate(self, frame: Frame) -> list[Instance]:
        """The objects of a whole frame, by a coarse look."""
        image, factor = to_tensor(frame, self.blueprint.coarse)
        with torch.inference_mode():
            [seen] = self.network.head.decode(self.network(to_batch([image.to(self.device)])))
        least, most = min(self.blueprint.counts, default=0), max(self.blueprint.counts, default=0)
        return [
            Instance("", _box(box / factor), float(score))
            for rank, (box, score) in enumerate(zip(seen.boxes, seen.scores, strict=True))
            if rank < least or (rank < most and score >= LOCATED)
        ]

    def points(self, image: Tensor, factor: float, parents: Sequence[Instance]) -> list[Found]:
        """The keypoints inside these boxes of an image that is scaled by `factor`."""
        views = [look(parent.box, self.blueprint, factor) for parent in parents]
        crops = torch.stack([view.cut(image) for view in views])
        poses, loose = np.array(self.blueprint.poses, float), np.array(self.blueprint.loose)
        found = []
        for parent, view, heat in zip(parents, views, self.heat(crops), strict=True):
            places, scores = peaks(heat)
            size = self.blueprint.crop / self.blueprint.margin
            settled, sure = settle(places, scores, poses, loose, size)
            found.append(Found(parent, view.outward(settled) / factor, sure))
        return found

    def heat(self, crops: Tensor) -> Tensor:
        """(batch, 3, side, side) -> (batch, keypoints, h, w) probabilities, the mean over several looks."""
        blueprint = self.blueprint
        turns = [t for t in TURNS if (blueprint.mirrors or not t[0]) and (blueprint.turn > 3 or not t[1])]
        turns = turns[: max(blueprint.views, 1)]
        order = list(blueprint.partners)
        total = None
        for mirror, quarters in turns:
            seen = torch.rot90(crops.flip(3) if mirror else crops, quarters, (2, 3))
            with torch.inference_mode():
                heat = probabilities(self.network.see(seen.contiguous(memory_format=torch.channels_last)))
            heat = torch.rot90(heat, -quarters, (2, 3))
            heat = heat.flip(3)[:, order] if mirror else heat
            total = heat if total is None else total + heat
        assert total is not None
        return total / len(turns)


def load(weights: Weights, device: str = "auto") -> PoseModel:
    """The micro-model of an artifact; raises TrainingError where the weights are of another version."""
    blueprint, place = Blueprint.from_metadata(weights.metadata), find_device(device)
    return PoseModel(restored(blueprint, weights, place), blueprint, place)


def _box(corners: NDArray[np.float32]) -> Box:
    x0, y0, x1, y1 = (float(v) for v in corners)
    return x0, y0, x1, y1


def _prediction(frame: Frame, found: Sequence[Found], blueprint: Blueprint) -> Prediction:
    lacking = not blueprint.parented and len(found) < min(blueprint.counts, default=0)
    instances, score = [], 0.0 if lacking else 1.0
    least = np.array(blueprint.thresholds)
    for one in found:
        places = np.clip(one.points, 0, [frame.width, frame.height])
        points = tuple(
            Keypoint(blueprint.labels[k], float(places[k, 0]), float(places[k, 1]), float(min(one.scores[k], 1.0)))
            for k in np.flatnonzero(one.scores >= least)
        )
        score *= float(np.prod(np.where(one.scores >= least, one.scores, 1 - one.scores).clip(0, 1)))
        sure = float(np.mean([p.score for p in points])) if points else 0.0
        if blueprint.parented:
            parent = one.parent
            instances.append(Instance(parent.label, parent.box, sure, parent.region_id, keypoints=points))
        elif points:
            instances.append(Instance("", hull(np.array([[p.x, p.y] for p in points])), sure, keypoints=points))
    return Prediction(frame.task, tuple(instances), score)
