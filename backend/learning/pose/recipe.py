"""Every training hyper-parameter of the pose head, with its unit and its reason."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class PoseRecipe:
    """How a pose micro-model is trained. Tuned for the principle on the open groups, never for a clip."""

    backbone: str = "tf_efficientnet_lite0"
    """timm name; the default's weights are installed."""
    frozen: tuple[str, ...] = ("conv_stem", "bn1", "blocks.0", "blocks.1")
    """Backbone layers left as they are: general, and the dearest to train."""
    width: int = 64
    """Channels of the pyramid."""

    crop: int = 192
    """Side of the crop that keypoints are found in, pixels, a multiple of 16."""
    margin: float = 1.3
    """Side of that crop, in diagonals of the box around the object."""
    hull_margin: float = 1.7
    """The same where the box is that of the keypoints alone, which lie inside the object."""
    coarse_side: float = 40.0
    """Root of the area, pixels, that an object without a box is scaled to for finding it in the whole frame."""
    coarse_pixels: int = 160_000
    """Upper limit of the frame scaled so, pixels: bounds time."""
    coarse_crop: int = 224
    """Side of a training crop of it, pixels, a multiple of 16."""

    steps: int = 140
    """Steps of the first stage."""
    warm_steps: int = 60
    """The same when a start is given: its features already fit the group."""
    pseudo_steps: int = 100
    """Steps of the second stage, which also learns from confident predictions on unlabelled frames."""
    pseudo_frames: int = 100
    """Most unlabelled frames looked at between the stages: bounds time and memory."""
    pseudo_share: float = 0.5
    """Share of the second stage's crops that come from unlabelled frames."""
    batch: int = 4
    """Crops of a step."""
    coarse_batch: int = 1
    """Crops of a step for finding the object in the whole frame."""
    learning_rate: float = 2e-3
    """Peak of AdamW's one-cycle for pyramid and heads, which start random."""
    backbone_rate: float = 4e-4
    """The same for the backbone's trained layers, which start good."""
    weight_decay: float = 1e-2
    """AdamW's; small, the run is short."""
    average: float = 0.95
    """Decay of the running average of the weights; what is predicted with."""

    views: int = 4
    """Mirrored and turned looks at each object that are averaged, 1 to 8; one that training did not turn or mirror uses fewer."""
    score_threshold: float = 0.2
    """Keypoints below this confidence are left out, at least; more where the labelled frames say so."""
