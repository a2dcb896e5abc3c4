"""Config of a pose micro-model: what is needed besides the weights to build it again."""

from collections.abc import Mapping
from dataclasses import dataclass

from backend.learning.detection.head import DetectionHead
from backend.learning.geometry.scaling import Scale
from backend.learning.network.backbone import Backbone
from backend.learning.network.config import fields_of, to_metadata
from backend.learning.pose.head import PoseHead
from backend.learning.pose.network import PoseNetwork
from backend.learning.pose.skeleton import Pose
from backend.types import Head

ARTIFACT_FORMAT = "pose-1"
"""Rises when older artifacts can't be read any more."""
LOCATOR_MIN_SCORE, LOCATOR_NMS_IOU = 0.03, 0.4
"""Of the locator: score below which nothing is an object, IoU from which two are one."""
SPARE_CANDIDATES = 3
"""Candidates of the locator beyond the most that a labelled frame holds."""


@dataclass(frozen=True, slots=True)
class PoseConfig:
    """The shape of one micro-model and the rules of its answers."""

    labels: tuple[str, ...]
    partners: tuple[int, ...]
    """For each label the index of its mirror image; its own where it has none."""
    parented: bool
    """Whether each object has a box around it that somebody else finds."""
    backbone: str
    frozen: tuple[str, ...]
    width: int
    """Channels of the pyramid."""
    crop: int
    """Side of the crop around an object, pixels."""
    margin: float
    """The same, in diagonals of the object's box."""
    diagonals: tuple[float, float, float]
    """Least, typical and greatest diagonal of the labelled boxes, original pixels."""
    coarse_factor: float
    """Pixels of the frame that the object is looked for in, per original pixel of a frame of the usual size."""
    coarse_pixels: int
    """Most pixels of it."""
    size: tuple[float, float]
    """Width and height of a typical object in it, pixels."""
    counts: tuple[int, ...]
    """Objects in each labelled frame."""
    turn: float
    """How far objects turn to either side, radians; pi is all around."""
    views: int
    """Looks at each object that are averaged."""
    thresholds: tuple[float, ...]
    """For each keypoint the confidence below which it is left out."""
    poses: tuple[Pose, ...]
    """Of the labelled objects, MOST of them at most."""
    loose: tuple[float, ...]
    """For each keypoint how far it may lie from where the others tell it to be, diagonals; inf where nothing is told."""
    area: float = 0.0
    """Pixels of a frame of the usual size; see `Scale`."""
    skeleton: bool = True
    """As in the recipe."""

    @property
    def coarse(self) -> Scale:
        """How the frame is scaled that the object is looked for in."""
        return Scale(self.coarse_factor, self.coarse_pixels, self.area)

    @property
    def mirrors(self) -> bool:
        """Whether a mirrored object is one of the same kind: only where names tell which points change places."""
        return any(partner != index for index, partner in enumerate(self.partners))

    @property
    def fine(self) -> Scale:
        """How the frame is scaled that crops are cut from: never enlarged, and little finer than the crops."""
        return Scale(min(1.0, 1.5 * self.crop / (self.margin * self.diagonals[0])), 1 << 24)

    def build(self) -> PoseNetwork:
        """The network with the backbone's weights, and all else fresh."""
        backbone = Backbone(self.backbone)
        backbone.freeze(self.frozen)
        most = max(self.counts, default=0) + SPARE_CANDIDATES
        locator = DetectionHead(1, self.width, self.size, LOCATOR_MIN_SCORE, most, LOCATOR_NMS_IOU)
        return PoseNetwork(backbone, self.width, locator, PoseHead(len(self.labels), self.width))

    def to_metadata(self) -> dict[str, str]:
        """As strings, for the artifact."""
        return to_metadata(Head.POSE, ARTIFACT_FORMAT, self)

    @classmethod
    def from_metadata(cls, metadata: Mapping[str, str]) -> "PoseConfig":
        """Raises TrainingError where the artifact is of another head or format."""
        return cls(**fields_of(metadata, Head.POSE, ARTIFACT_FORMAT))
