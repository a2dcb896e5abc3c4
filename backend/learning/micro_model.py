"""A trained micro-model, loaded and ready to predict."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from backend.errors import TrainingError
from backend.learning.blueprint import Blueprint, find_device
from backend.learning.decision import Seen, decide, predictions
from backend.learning.heads.base import Candidates
from backend.learning.network import Network
from backend.learning.scaling import to_batch, to_tensor
from backend.types import Frame, LabeledFrame, Prediction, Weights


@dataclass(frozen=True, slots=True, eq=False)
class MicroModel:
    """Sees one group's objects. Immutable: may be used from several threads at once."""

    network: Network
    blueprint: Blueprint
    device: torch.device

    @property
    def nbytes(self) -> int:
        """Memory that the weights take, bytes."""
        held = [*self.network.parameters(), *self.network.buffers()]
        return sum(tensor.numel() * tensor.element_size() for tensor in held)

    @property
    def labels(self) -> tuple[str, ...]:
        """The label set, in the config's order."""
        return self.blueprint.labels

    def predict(self, frames: Iterable[Frame], labeled: Sequence[LabeledFrame] = ()) -> list[Prediction]:
        """One prediction a frame, in order. Frames are streamed; their neighbours in time help where `order` is given.

        `labeled` are frames of the group that a person labelled: they anchor the linking in time.
        """
        return predictions(decide(list(self.see(frames)), labeled, self.blueprint), self.labels)

    def see(self, frames: Iterable[Frame]) -> Iterator[Seen]:
        """What the network alone sees in each frame, in pixels of the original frame."""
        for frame in frames:
            yield self.look(frame)[0]

    def look(self, frame: Frame) -> tuple[Seen, Tensor, float]:
        """What the network sees in one frame; the scaled frame, uint8; and the scaled pixels per original pixel."""
        pixels, factor = to_tensor(frame, self.blueprint.scale)
        pixels = pixels.to(self.device)
        with torch.inference_mode():
            [found] = self.network.head.decode(self.network(to_batch([pixels])))
        limits = np.array([frame.width, frame.height] * 2, np.float32)
        candidates = Candidates(np.clip(found.boxes / factor, 0, limits), found.scores, found.classes)
        return Seen(frame.task, frame.order, (frame.width, frame.height), candidates), pixels, factor


def load(weights: Weights, device: str = "auto") -> MicroModel:
    """The micro-model of an artifact; raises TrainingError where the weights are of another version."""
    blueprint = Blueprint.from_metadata(weights.metadata)
    network = blueprint.build()
    lacking = network.own_state().keys() - weights.arrays.keys()
    if lacking:
        raise TrainingError(
            f"The weights lack {len(lacking)} tensors, {min(lacking)} among them: train this group again."
        )
    network.take_state(weights.arrays)
    place = find_device(device)
    return MicroModel(network.to(place).settled(fastest(place)), blueprint, place)


def fastest(device: torch.device) -> torch.dtype:
    """bfloat16 where the machine computes it faster than float32."""
    ask = getattr(torch.cpu, "get_capabilities", None)  # torch 2.4 to 2.6 cannot tell
    if device.type == "cuda" or (ask is not None and ask().get("avx512_bf16")):
        return torch.bfloat16
    return torch.float32
