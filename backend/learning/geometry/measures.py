"""Evaluation metrics that heads have in common."""

from backend.types import Metrics


def metrics_of(frames: int, hits: int, predicted: int, drawn: int) -> Metrics:
    """Recall, precision and F1 of so many hits among what was predicted and what a person drew in so many frames."""
    return Metrics(
        frames=frames,
        recall=hits / drawn if drawn else None,
        precision=hits / predicted if predicted else None,
        f1=2 * hits / (drawn + predicted) if drawn + predicted else None,
    )
