"""The training hyper-parameters that heads share, each with its unit and its reason."""

from dataclasses import dataclass, replace
from typing import Self

from backend.types import Start

FEWEST_STEPS = 6
"""Below this a one-cycle schedule has no room to rise and fall."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HeadRecipe:
    """What every head needs. Recipes are tuned for the principle on the open groups, never for a clip."""

    backbone: str = "tf_efficientnet_lite0"
    """timm name; the default's weights are installed."""
    anew: bool = False
    """Whether a training begins anew although the group has a version that serves."""
    accepted_weight: float = 0.4
    """Weight of a frame whose prediction was submitted as it was; what a person drew has 1. It tells that the objects are
    there, but its outlines are the micro-model's own: learnt as if they were drawn, they drift from round to round."""

    def with_effort(self, effort: float) -> Self:
        """The recipe with `effort` times its training steps; itself where it has none."""
        return self


@dataclass(frozen=True, slots=True, kw_only=True)
class FittedRecipe(HeadRecipe):
    """What a head needs that is fitted by gradient steps."""

    frozen: tuple[str, ...] = ("conv_stem", "bn1", "blocks.0", "blocks.1")
    """Backbone layers left as they are: general, and the dearest to train."""
    width: int = 64
    """Channels of the pyramid: enough for a few labels, and small."""
    crop: int
    """Side of a training crop, pixels, a multiple of 16."""

    steps: int
    """Of the training."""
    warm_steps: int
    """The same after the group's own version: its features already fit the group."""
    sibling_share: float = 1.0
    """Share of `steps` after a sibling, which does well on the labelled frames as it is."""
    batch: int = 4
    """Crops of a step: few, since more steps of fewer crops learn more in the same time."""
    learning_rate: float = 2e-3
    """Peak of AdamW's one-cycle for pyramid and head, which start random."""
    backbone_rate: float = 4e-4
    """The same for the backbone's trained layers, which start good."""
    rise: float = 0.25
    """Share of the steps in which the rates rise to their peak: long enough not to shake what starts good."""
    weight_decay: float = 1e-2
    """AdamW's; small, the run is short."""
    average: float = 0.95
    """Decay of the running average of the weights; what is predicted with."""

    def with_effort(self, effort: float) -> Self:
        """The recipe with `effort` times its steps."""
        steps, warm_steps = (max(FEWEST_STEPS, round(n * effort)) for n in (self.steps, self.warm_steps))
        return replace(self, steps=steps, warm_steps=warm_steps)


def steps_after(recipe: FittedRecipe, start: str) -> int:
    """Steps after a kind of start."""
    share = recipe.sibling_share if start in (Start.SIBLING, Start.IMPORTED) else 1.0
    return recipe.warm_steps if start == Start.SERVING else max(FEWEST_STEPS, round(recipe.steps * share))
