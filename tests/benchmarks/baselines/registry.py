"""All baselines that there are."""

from backend.types import Head
from tests.benchmarks.baselines import (
    csrt,
    interpolation,
    logistic,
    nearest,
    neighbours,
    optical_flow,
    template,
    threshold,
    unet,
)
from tests.benchmarks.baselines.baseline import Baseline

BASELINES: tuple[Baseline, ...] = (
    nearest.BASELINE,
    interpolation.BASELINE,
    threshold.BASELINE,
    neighbours.BASELINE,
    logistic.BASELINE,
    optical_flow.BASELINE,
    template.BASELINE,
    csrt.BASELINE,
    unet.BASELINE,
)
"""The cheap ones first."""


def baselines_for(head: Head) -> list[Baseline]:
    """Those of a head that can be had here."""
    return [one for one in BASELINES if head in one.heads and one.installed()]
