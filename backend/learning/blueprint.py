"""What is needed besides the weights to build a micro-model again; kept as strings in the artifact's metadata."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass

import torch

from backend.errors import TrainingError
from backend.learning.backbone import Backbone
from backend.learning.heads.detection import DetectionHead
from backend.learning.mistakes import Mistake
from backend.learning.network import Network
from backend.learning.pyramid import Pyramid
from backend.learning.scaling import Scale
from backend.types import Head

FORMAT = "1"
"""Rises when older artifacts can't be read any more."""


@dataclass(frozen=True, slots=True)
class Blueprint:
    """The shape of one micro-model and the rules of its answers."""

    head: Head
    labels: tuple[str, ...]
    backbone: str
    frozen: tuple[str, ...]
    width: int
    """Channels of the pyramid."""
    size: tuple[float, float]
    """Width and height of a typical object, pixels of the scaled frame."""
    factor: float
    """Scaled pixels per original pixel."""
    pixels: int
    """Most pixels of a scaled frame."""
    counts: tuple[tuple[int, ...], ...]
    """For each label, its instances in each labelled frame: says how many to expect."""
    score_floor: float
    score_threshold: float
    overlap: float
    most_candidates: int

    mistakes: tuple[Mistake, ...] = ()
    """Places that fool the network."""

    @property
    def scale(self) -> Scale:
        """How frames are scaled."""
        return Scale(self.factor, self.pixels)

    def build(self) -> Network:
        """The network with the backbone's weights, and pyramid and head fresh."""
        backbone = Backbone(self.backbone)
        backbone.freeze(self.frozen)
        head = DetectionHead(
            len(self.labels), self.width, self.size, self.score_floor, self.most_candidates, self.overlap
        )
        return Network(backbone, Pyramid(backbone.channels, self.width), head)

    def to_metadata(self) -> dict[str, str]:
        """As strings, for the artifact."""
        return {"format": FORMAT, "head": str(Head.DETECTION), "blueprint": json.dumps(asdict(self))}

    @classmethod
    def from_metadata(cls, metadata: Mapping[str, str]) -> "Blueprint":
        """Raises TrainingError where the artifact is of another format."""
        if metadata.get("format") != FORMAT or "blueprint" not in metadata:
            found = metadata.get("format", "none")
            fix = "train this group again"
            raise TrainingError(f"The weights are of format {found}, this version reads {FORMAT}: {fix}.")
        fields = json.loads(metadata["blueprint"])
        return cls(
            head=Head(fields.pop("head")),
            labels=tuple(fields.pop("labels")),
            frozen=tuple(fields.pop("frozen")),
            size=tuple(fields.pop("size")),
            counts=tuple(tuple(count) for count in fields.pop("counts")),
            mistakes=tuple(Mistake(m["label"], tuple(m["box"]), m["score"]) for m in fields.pop("mistakes")),
            **fields,
        )


def find_device(device: str) -> torch.device:
    """`auto` is CUDA where there is one."""
    if device == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    return torch.device(device)
