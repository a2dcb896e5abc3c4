"""Config of a detection micro-model: what is needed besides the weights to build it again."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from backend.learning.detection.head import DetectionHead, DetectionNetwork
from backend.learning.geometry.background import DIFFERENCE_CHANNELS
from backend.learning.geometry.levels import FULL_RANGE, Levels
from backend.learning.geometry.scaling import Scale
from backend.learning.network.backbone import Backbone
from backend.learning.network.config import fields_of, to_metadata
from backend.learning.network.pyramid import Pyramid
from backend.types import Head

ARTIFACT_FORMAT = "1"
"""Rises when older artifacts can't be read any more."""
RETIRED_FIELDS = ("mistakes", "hard_negatives")
"""Of older artifacts, for what nothing asks any more."""
MIN_LINKED_CANDIDATES = 16
"""Candidates of a label that are linked in a frame, at least; more where the labelled frames hold many instances."""


def candidates_for(counts: Sequence[int]) -> int:
    """Candidates of a label worth linking in a frame, where the labelled frames hold so many instances of it."""
    return max(MIN_LINKED_CANDIDATES, 3 * max(counts, default=0) + 4)


@dataclass(frozen=True, slots=True)
class DetectionConfig:
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
    """Scaled pixels per original pixel, in a frame of the usual size."""
    pixels: int
    """Most pixels of a scaled frame."""
    counts: tuple[tuple[int, ...], ...]
    """For each label, its instances in each labelled frame: says how many to expect."""
    score_floor: float
    score_threshold: float
    overlap: float
    most_candidates: int

    area: float = 0.0
    """Pixels of a frame of the usual size; see `Scale`."""
    linking: bool = True
    smoothing: bool = True
    count_prior: bool = True
    calibration: bool = True
    refinement: bool = True
    """These five as in the recipe."""
    levels: Levels = FULL_RANGE
    """What becomes black and white of a frame; see `Scale`."""
    turned: bool = False
    """Whether boxes have an angle."""
    large: float = 0.0
    """Side (root of the area), pixels of the scaled frame, from which objects are looked for at half the scale, too; 0: nothing
    is."""
    background: tuple[int, int] | None = None
    """Height and width of the background's picture, where the camera stands still."""

    @property
    def scale(self) -> Scale:
        """How frames are scaled."""
        return Scale(self.factor, self.pixels, self.area, self.levels)

    @property
    def looks(self) -> tuple[tuple[Scale, float], ...]:
        """(scale, least side of an object in pixels of a frame so scaled): how frames are seen, first as they are learnt from."""
        whole = (self.scale, 0.0)
        return (whole, (self.scale.halved, self.large / 2)) if self.large else (whole,)

    def candidates(self, label: int) -> int:
        """Candidates of a label, by its index, that are linked in a frame; all where nothing is known of its counts."""
        return candidates_for(self.counts[label]) if self.counts[label] else self.most_candidates

    def build(self) -> DetectionNetwork:
        """The network with the backbone's weights, and pyramid and head fresh."""
        backbone = Backbone(self.backbone)
        backbone.freeze(self.frozen)
        head = DetectionHead(
            len(self.labels), self.width, self.size, self.score_floor, self.most_candidates, self.overlap, self.turned
        )
        more = DIFFERENCE_CHANNELS if self.background else 0
        pyramid = Pyramid([own + more for own in backbone.channels], self.width)
        return DetectionNetwork(backbone, pyramid, head, self.background)

    def for_other_group(self) -> "DetectionConfig":
        """For use in another group: nothing is known of how many instances its frames hold."""
        return replace(self, counts=((),) * len(self.labels))

    def to_metadata(self) -> dict[str, str]:
        """As strings, for the artifact."""
        return to_metadata(Head.DETECTION, ARTIFACT_FORMAT, self)

    @classmethod
    def from_metadata(cls, metadata: Mapping[str, str]) -> "DetectionConfig":
        """Raises TrainingError where the artifact is of another head or format."""
        fields = fields_of(metadata, Head.DETECTION, ARTIFACT_FORMAT)
        known = {name: value for name, value in fields.items() if name not in RETIRED_FIELDS}
        return cls(**{**known, "head": Head(fields["head"])})
