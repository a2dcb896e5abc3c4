"""Export request: what somebody wants taken out of a project."""

from dataclasses import dataclass
from typing import Literal

from backend.errors import DataSetError

Predictions = Literal["none", "confident", "all"]
CONFIDENT_SCORE = 0.5
"""Score from which a predicted frame is confident: more probably right as a whole than not."""


@dataclass(frozen=True, slots=True)
class ExportRequest:
    """Which frames, and how."""

    project: int
    format: str
    group: str | None = None
    """One group; None: all."""
    predictions: Predictions = "none"
    """Besides what people labelled: no frames, those whose predictions are confident, or all that have predictions."""
    min_score: float | None = None
    """Of a confident frame; None: `CONFIDENT_SCORE`."""
    val: float = 0.0
    """Share of all frames to hold out for validation, in whole groups."""
    every: int = 1
    """Of a whole video, one frame in so many."""

    @property
    def least(self) -> float | None:
        """Score from which a predicted frame is taken; None: no predicted frame is."""
        if self.predictions == "none":
            return None
        return 0.0 if self.predictions == "all" else CONFIDENT_SCORE if self.min_score is None else self.min_score

    def check(self) -> None:
        """Raises DataSetError for what does not go together."""
        if self.min_score is not None and self.predictions != "confident":
            raise DataSetError(
                f"A least score is given, and predictions are {self.predictions}. Expected `--predictions confident`."
            )
        if not 0 <= (self.min_score or 0) <= 1:
            raise DataSetError(f"The least score is {self.min_score}. Expected a number from 0 to 1.")
        if not 0 <= self.val < 1:
            raise DataSetError(f"The share to hold out is {self.val}. Expected a number from 0 to below 1.")
