"""A trained pose micro-model, loaded and ready to predict."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from backend.learning.detection.count_prior import no_more, odds_of_counts
from backend.learning.fitting.training_input import EnclosingBoxes
from backend.learning.geometry.crop import Points
from backend.learning.geometry.scaling import to_batch, to_tensor
from backend.learning.network.device import find_device
from backend.learning.network.micro_model import NetworkModel, restored
from backend.learning.network.threads import at_best_threads
from backend.learning.pose.config import PoseConfig
from backend.learning.pose.head import peaks, probabilities
from backend.learning.pose.network import PoseNetwork
from backend.learning.pose.sample import crop_view, diagonal, point_bounds
from backend.learning.pose.skeleton import consistent_candidates
from backend.learning.score import frame_score
from backend.types import Box, Frame, Instance, Keypoint, LabeledFrame, Prediction, Weights

TEST_TIME_VIEWS = ((False, 0), (True, 0), (False, 2), (True, 2), (False, 1), (True, 1), (False, 3), (True, 3))
"""Test-time augmentation, in the order of use: mirrored or not, quarter turns."""
OBJECT_MIN_SCORE = 0.3
"""Score from which an object is shown that not every labelled frame holds."""
RECROP_DISTANCE_DIAGONALS = 0.12
"""Distance, in diagonals, of the keypoints' middle from that of the crop, from which is looked again."""


@dataclass(frozen=True, slots=True, eq=False)
class KeypointDetection:
    """The keypoints detected of one object."""

    enclosing: Instance
    """The box, as handed in or as located."""
    points: Points
    """(keypoints, 2) in pixels of the original frame."""
    scores: NDArray[np.float64]
    """(keypoints,) confidence."""


class PoseModel(NetworkModel[PoseNetwork, PoseConfig]):
    """Sees one group's keypoints; its labels are their names."""

    def predict(
        self,
        frames: Iterable[Frame],
        labeled: Sequence[LabeledFrame] = (),
        enclosing_boxes: EnclosingBoxes | None = None,
    ) -> list[Prediction]:
        """One prediction a frame, in order; where keypoints hang on boxes, its instances are these with their keypoints.

        A frame without a box has none then, and not one that hangs on nothing; it is not even looked at.
        """
        return [self._of(frame, enclosing_boxes) for frame in at_best_threads(frames)]

    def _of(self, frame: Frame, enclosing_boxes: EnclosingBoxes | None) -> Prediction:
        boxes = () if enclosing_boxes is None else enclosing_boxes.get(frame.task, ())
        if enclosing_boxes is not None and not boxes:
            return Prediction(frame.task, (), 1.0)
        return _prediction(frame, self.detect(frame, boxes), self.config)

    def detect(self, frame: Frame, boxes: Sequence[Instance] = ()) -> list[KeypointDetection]:
        """The keypoints of every object of one frame, also those that are too doubtful to be shown."""
        if not self.config.parented:
            boxes = self.locate(frame)
        if not boxes:
            return []
        image, factor = to_tensor(frame, self.config.fine)
        image = image.to(self.device)
        found = self.points(image, factor, boxes)
        return found if self.config.parented else [self._recropped(image, factor, one) for one in found]

    def _recropped(self, image: Tensor, factor: float, found: KeypointDetection) -> KeypointDetection:
        """The same, from a better centred crop where the first one was off."""
        sure = found.points[found.scores >= np.median(found.scores)]
        box = point_bounds(sure)
        moved = np.hypot(*(np.add(box[:2], box[2:]) - np.add(found.enclosing.box[:2], found.enclosing.box[2:])) / 2)
        if moved < RECROP_DISTANCE_DIAGONALS * diagonal(found.enclosing.box) or len(sure) < 2:
            return found
        [second] = self.points(image, factor, [Instance("", box, found.enclosing.score)])
        return second if second.scores.mean() > found.scores.mean() else found

    def locate(self, frame: Frame) -> list[Instance]:
        """The objects of a whole frame, by a coarse look."""
        image, factor = to_tensor(frame, self.config.coarse)
        with torch.inference_mode():
            [seen] = self.network.head.decode(self.network(to_batch([image.to(self.device)])))
        least, most = min(self.config.counts, default=0), max(self.config.counts, default=0)
        return [
            Instance("", _box(box / factor), float(score))
            for rank, (box, score) in enumerate(zip(seen.boxes, seen.scores, strict=True))
            if rank < least or (rank < most and score >= OBJECT_MIN_SCORE)
        ]

    def points(self, image: Tensor, factor: float, boxes: Sequence[Instance]) -> list[KeypointDetection]:
        """The keypoints inside these boxes of an image that is scaled by `factor`."""
        views = [crop_view(one.box, self.config, factor) for one in boxes]
        crops = torch.stack([view.cut(image) for view in views])
        poses, loose = np.array(self.config.poses, float), np.array(self.config.loose)
        found = []
        for box, view, heat in zip(boxes, views, self.heat(crops), strict=True):
            places, scores = peaks(heat)
            size = self.config.crop / self.config.margin
            chosen, sure = places[:, 0], scores[:, 0]
            if self.config.skeleton:
                chosen, sure = consistent_candidates(places, scores, poses, loose, size)
            found.append(KeypointDetection(box, view.to_image(chosen) / factor, sure))
        return found

    def heat(self, crops: Tensor) -> Tensor:
        """(batch, 3, side, side) -> (batch, keypoints, h, w) probabilities, the mean over several looks."""
        config = self.config
        turns = [t for t in TEST_TIME_VIEWS if (config.mirrors or not t[0]) and (config.turn > 3 or not t[1])]
        turns = turns[: max(config.views, 1)]
        order = list(config.partners)
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
    config, place = PoseConfig.from_metadata(weights.metadata), find_device(device)
    return PoseModel(restored(config, weights, place), config, place)


def _box(corners: NDArray[np.float32]) -> Box:
    x0, y0, x1, y1 = (float(v) for v in corners)
    return x0, y0, x1, y1


def _prediction(frame: Frame, found: Sequence[KeypointDetection], config: PoseConfig) -> Prediction:
    instances, shown, left_out = list[Instance](), list[float](), list[float]()
    least = np.array(config.thresholds)
    for one in found:
        places = np.clip(one.points, 0, [frame.width, frame.height])
        points = tuple(
            Keypoint(config.labels[k], float(places[k, 0]), float(places[k, 1]), float(min(one.scores[k], 1.0)))
            for k in np.flatnonzero(one.scores >= least)
        )
        shown.extend(np.minimum(one.scores[one.scores >= least], 1.0))
        left_out.extend(one.scores[one.scores < least])
        sure = float(np.mean([p.score for p in points])) if points else 0.0
        if config.parented:
            box = one.enclosing
            instances.append(Instance(box.label, box.box, sure, box.region_id, keypoints=points))
        elif points:
            instances.append(Instance("", point_bounds(np.array([[p.x, p.y] for p in points])), sure, keypoints=points))
    located = no_more(odds_of_counts(config.counts), len(instances)) if not config.parented else 1.0
    return Prediction(frame.task, tuple(instances), frame_score(shown, left_out, located))
