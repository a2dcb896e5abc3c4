"""Every training hyper-parameter of a head, with its unit and its reason."""

from dataclasses import dataclass

from backend.types import Head


@dataclass(frozen=True, slots=True)
class DetectionRecipe:
    """How a detection micro-model is trained. Tuned for the principle on the open groups, never for a clip."""

    backbone: str = "tf_efficientnet_lite0"
    """timm name; the default's weights are installed."""
    frozen: tuple[str, ...] = ("conv_stem", "bn1", "blocks.0", "blocks.1")
    """Backbone layers left as they are: general, and the dearest to train."""
    width: int = 64
    """Channels of the pyramid: enough for a few labels, and small."""

    object_side: float = 40.0
    """Side in pixels (root of the area) that a typical object is scaled to: ten cells of stride 4."""
    largest_scale: float = 2.0
    """Upper limit of that scaling: more adds pixels, not detail."""
    frame_pixels: int = 320_000
    """Upper limit of a scaled frame, pixels: bounds the time a frame takes."""
    crop: int = 256
    """Side of a training crop, pixels of the scaled frame, a multiple of 16."""

    steps: int = 105
    """Steps of the first stage."""
    warm_steps: int = 50
    """The same when a start is given: its features already fit the group."""
    pseudo_steps: int = 75
    """Steps of the second stage, which also learns from confident predictions on unlabelled frames."""
    pseudo_frames: int = 150
    """Most unlabelled frames looked at between the stages: bounds time and memory."""
    pseudo_share: float = 0.5
    """Share of the second stage's crops that come from unlabelled frames."""
    batch: int = 4
    """Crops of a step: few, since more steps of fewer crops learn more in the same time."""
    learning_rate: float = 2e-3
    """Peak of AdamW's one-cycle for pyramid and head, which start random."""
    backbone_rate: float = 4e-4
    """The same for the backbone's trained layers, which start good."""
    weight_decay: float = 1e-2
    """AdamW's; small, the run is short."""
    average: float = 0.95
    """Decay of the running average of the weights; what is predicted with."""
    object_share: float = 0.6
    """Share of crops that are centred on an object."""
    hard_share: float = 0.2
    """Share of crops centred on something that was taken for an object."""

    score_floor: float = 0.03
    """Candidates below this score are not even linked in time."""
    score_threshold: float = 0.2
    """Score that speaks neither for nor against a candidate; counts and neighbours in time decide then. Below
    0.5, since scores are lower on frames that were not trained on."""
    overlap: float = 0.55
    """IoU above which the weaker of two candidates of one label is dropped."""
    most_candidates: int = 100
    """Candidates a frame at most: bounds linking."""


Recipe = DetectionRecipe
"""Union of the heads' recipes."""


def recipe_for(head: Head) -> Recipe:
    """The default recipe of a head."""
    recipes = {Head.DETECTION: DetectionRecipe}
    return recipes[head]()
