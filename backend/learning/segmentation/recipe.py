"""Every training hyper-parameter of segmentation, with its unit and its reason."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class SegmentationRecipe:
    """How a segmentation micro-model is trained. Tuned for the principle on the open groups, never for a clip."""

    backbone: str = "tf_efficientnet_lite0"
    """timm name; the default's weights are installed."""
    frozen: tuple[str, ...] = ("conv_stem", "bn1", "blocks.0", "blocks.1")
    """Backbone layers left as they are: general, and the dearest to train."""
    width: int = 64
    """Channels of the pyramid."""
    detail: int = 32
    """Channels at stride 2, where edges and thin structures are found."""

    frame_pixels: int = 270_000
    """Pixels that frames are scaled to, up or down: bounds the time a frame takes."""
    most_pixels: int = 640_000
    """The same where large frames hold objects that would be too small to outline."""
    largest_scale: float = 2.5
    """Upper limit of scaling up: more adds pixels, not detail."""
    thickness: float = 6.0
    """Pixels that a typical structure should be thick, if need be at `most_pixels`: below, edges are guesses."""
    crop: int = 256
    """Side of a training crop, pixels of the scaled frame, a multiple of 16."""

    steps: int = 110
    """Steps of the first stage."""
    warm_steps: int = 50
    """The same when a start is given: its features already fit the group."""
    pseudo_steps: int = 60
    """Steps of the second stage, which also learns from confident predictions on unlabelled frames."""
    pseudo_frames: int = 48
    """Most unlabelled frames looked at between the stages: bounds time and memory."""
    pseudo_share: float = 0.4
    """Share of the second stage's crops that come from unlabelled frames."""
    batch: int = 4
    """Crops of a step: few, since more steps of fewer crops learn more in the same time."""
    learning_rate: float = 2e-3
    """Peak of AdamW's one-cycle for what starts random."""
    backbone_rate: float = 4e-4
    """The same for the backbone's trained layers, which start good."""
    weight_decay: float = 1e-2
    """AdamW's; small, the run is short."""
    average: float = 0.95
    """Decay of the running average of the weights; what is predicted with."""
    object_share: float = 0.7
    """Share of crops that are centred on a labelled pixel."""
