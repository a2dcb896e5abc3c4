"""Result of a training."""

from dataclasses import dataclass

from backend.types import Weights


@dataclass(frozen=True, slots=True, eq=False)
class Trained:
    """The weights and what is known of how they came about."""

    weights: Weights
    metrics: dict[str, float]
    seconds: float
