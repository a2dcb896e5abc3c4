"""The hyper-parameters of segmentation: its values of the shared ones, and its own with their unit and their reason."""

from dataclasses import dataclass

from backend.learning.fitting.recipe import FittedRecipe


@dataclass(frozen=True, slots=True, kw_only=True)
class SegmentationRecipe(FittedRecipe):
    """How a segmentation micro-model is trained."""

    crop: int = 192
    """More steps of smaller crops learn more in the same time. Mean J of four groups, two trainings each, with 340 steps:
    0.903 with crops of 256, 0.905 with 192, which take 0.6 of the time; one training each with 680: 0.915."""
    steps: int = 460
    warm_steps: int = 230
    learning_rate: float = 6e-3
    backbone_rate: float = 1e-3

    detail: int = 16
    """Channels at stride 2, where edges and thin structures are found."""
    frame_pixels: int = 270_000
    """Pixels that frames are scaled to, up or down: bounds the time a frame takes."""
    most_pixels: int = 640_000
    """The same where frames hold what would be too thin to outline."""
    largest_scale: float = 2.5
    """Upper limit of scaling up: more adds pixels, not detail."""
    thickness: float = 12.0
    """Pixels that a typical structure should be thick, if need be at `most_pixels`: below, edges are guesses."""
    levels: bool = True
    """Whether the group's brightness is stretched to the whole range."""
    linking: bool = True
    """Whether frames that have an order agree in time at all: by optical flow, and by the two below."""
    presence_prior: bool = True
    """Whether labelled frames that lack a label speak against it around them."""
    distractor_suppression: bool = True
    """Whether parts that hang together with nothing drawn are doubted."""
    own_outlines: bool = True
    """Whether frames keep their own outlines where optical flow does not carry them well."""
    object_share: float = 0.7
    """Share of crops that are centred on a labelled pixel."""
