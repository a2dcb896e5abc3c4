"""A trained detection micro-model, loaded and ready to predict."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch

from backend.learning.detection.candidates import Candidates, united, without_small
from backend.learning.detection.config import DetectionConfig
from backend.learning.detection.decision import FrameCandidates, decide, predictions
from backend.learning.detection.ensemble import TwoMemberEnsemble, member_state, without_member
from backend.learning.detection.head import DetectionNetwork
from backend.learning.detection.refinement import Refiner, refinement_state, without_refinement
from backend.learning.fitting.training_input import EnclosingBoxes
from backend.learning.geometry.rotation import upright
from backend.learning.geometry.scaling import Scale, to_batch, to_tensor
from backend.learning.network.device import find_device
from backend.learning.network.micro_model import NetworkModel, nbytes_of, restored
from backend.learning.network.threads import at_best_threads
from backend.types import Frame, LabeledFrame, Prediction, State, Weights


@dataclass(frozen=True, slots=True, eq=False)
class DetectionModel(NetworkModel[DetectionNetwork, DetectionConfig]):
    """Sees one group's objects."""

    refiner: Refiner | None = None
    """What looks at boxes a second time."""

    @property
    def nbytes(self) -> int:
        """Memory that its own weights take, bytes."""
        return nbytes_of(self.network) + (self.refiner.nbytes if self.refiner else 0)

    def predict(
        self,
        frames: Iterable[Frame],
        labeled: Sequence[LabeledFrame] = (),
        enclosing_boxes: EnclosingBoxes | None = None,
    ) -> list[Prediction]:
        """One prediction a frame, in order. Frames are streamed; their neighbours in time help where `order` is given.

        `labeled` are frames of the group that a person labelled: they anchor the linking in time.
        """
        drawn = [upright(one) for one in labeled]
        return predictions(decide(list(self.see(frames)), drawn, self.config), self.labels)

    def see(self, frames: Iterable[Frame]) -> Iterator[FrameCandidates]:
        """What the network alone sees in each frame, in pixels of the original frame."""
        for frame in at_best_threads(frames):
            yield self.candidates_of(frame)

    def candidates_of(self, frame: Frame) -> FrameCandidates:
        """The same of one frame."""
        seen = [self._seen_at(scale, frame, least) for scale, least in self.config.looks]
        candidates = seen[0] if len(seen) == 1 else united(seen, self.config.overlap, self.config.most_candidates)
        if self.refiner is not None:
            candidates = self.refiner.refined(candidates, frame, self.config)
        return FrameCandidates(frame.task, frame.order, (frame.width, frame.height), candidates)

    def _seen_at(self, scale: Scale, frame: Frame, least: float) -> Candidates:
        """At one scale, in pixels of the original frame: what is as large as `least` there, root of the area in scaled pixels."""
        pixels, factor = to_tensor(frame, scale)
        pixels = self.network.input_of(pixels.to(self.device))
        with torch.inference_mode():
            [found] = self.network.head.decode(self.network(to_batch([pixels])))
        limits = np.array([frame.width, frame.height] * 2, np.float32)
        turned, bounds = found.turned, found.boxes / factor
        if turned is None:
            bounds = np.clip(bounds, 0, limits)
        else:
            turned = np.asarray(turned / np.array([factor, factor, 1]), np.float32)
        candidates = Candidates(bounds, found.scores, found.classes, turned)
        return without_small(candidates, least / factor) if least else candidates


def load(weights: Weights, device: str = "auto") -> DetectionModel:
    """The micro-model of an artifact; raises TrainingError where the weights are of another version."""
    config, place = DetectionConfig.from_metadata(weights.metadata), find_device(device)
    network, other = restored(config, without_refinement(without_member(weights)), place), member_state(weights)
    refiner = _refiner(network, config, refinement_state(weights))
    if other:
        network = TwoMemberEnsemble(network, restored(config, replace(weights, arrays=other), place))
    return DetectionModel(network, config, place, refiner)


def _refiner(network: DetectionNetwork, config: DetectionConfig, state: State) -> Refiner | None:
    """None where the artifact holds none, as those that are older, or where it is switched off."""
    if not state or not config.refinement:
        return None
    refiner = Refiner.on(network.backbone, config.width).to(network.device)
    refiner.take_state(state)
    refiner.pyramid.to(network.dtype)
    refiner.head.to(network.dtype)
    return refiner.eval().requires_grad_(False)
