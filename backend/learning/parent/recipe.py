"""The hyper-parameters of the parent's training, each with its unit and its reason."""

from dataclasses import dataclass

from backend.learning.recipe import HeadRecipe


@dataclass(frozen=True, slots=True, kw_only=True)
class ParentRecipe(HeadRecipe):
    """How the parent is trained."""

    frozen: tuple[str, ...] = ("",)
    """Backbone layers left as they are, by the beginnings of their names: all, since its features come from photographs
    and the clips are none."""
    width: int = 64
    """Channels of the pyramid: as in the heads' recipes."""
    detail: int = 16
    """Of segmentation's detail: as in its recipe."""

    steps: int = 12_000
    """Each sees the frames of one clip."""
    frames: int = 6
    """Of a clip: each half is asked about by the rows of the other."""
    side: int = 224
    """Of a frame, pixels, a multiple of 16."""
    object_side: int = 192
    """Of a frame around an object whose keypoints are asked for, pixels: pose's crop."""
    shares: tuple[float, float, float, float] = (0.4, 0.25, 0.08, 0.27)
    """Of clips for boxes, masks, structures and points."""
    visits: int = 2
    """Steps that a clip is used for: making one takes time."""

    learning_rate: float = 1.5e-3
    """Peak of AdamW's for pyramid and heads."""
    backbone_rate: float = 1e-4
    """The same for the backbone's trained layers."""
    rise: int = 200
    """Steps in which the rates rise; they fall as a cosine."""
    weight_decay: float = 1e-2
    average: float = 0.997
    """Decay of the running average of the weights, which is what is shipped."""
    seed: int = 0
