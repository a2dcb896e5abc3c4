"""What was shown to people and what they did to it, as frozen data."""

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class LedgerEntry:
    """What was published for one task, and which versions made it."""

    task: int
    project: int
    prediction_id: int | None
    result: list[dict[str, Any]]
    score: float
    versions: dict[str, int]
    """Version number by control."""
    model_version: str
    published_at: float
    uncalibrated_score: float | None = None
    """What the micro-models themselves gave for a score, before it was calibrated and put in order; None: the score."""

    @property
    def model_score(self) -> float:
        """The score before calibration."""
        return self.score if self.uncalibrated_score is None else self.uncalibrated_score


@dataclass(frozen=True, slots=True)
class ReviewRecord:
    """What a person did to the regions of one control and label in one annotation, against the prediction shown.

    An annotation without any region has one record too, with empty control and label, so that its frame counts.
    """

    annotation: int
    project: int
    task: int
    group: str
    control: str
    """Name of the control tag."""
    label: str
    """Of the regions; empty where they have none."""
    annotator: str
    """Label Studio's id of the user, as text; empty where it is not known."""
    round: int
    """0: before any version served; else how many times the group had been promoted when the annotation was made."""
    accepted: int
    """Regions left as they were."""
    moved: int
    """Regions moved, resized or redrawn; keyframes of a track touched."""
    relabelled: int
    added: int
    """Regions drawn; keyframes of a drawn track."""
    deleted: int
    labels: int = 0
    """Labels that the annotation holds afterwards: one a region, one a frame of a track."""

    @property
    def actions(self) -> int:
        """Human actions: accepting is none."""
        return self.moved + self.relabelled + self.added + self.deleted


@dataclass(frozen=True, slots=True)
class ReviewSummary:
    """One reviewed annotation in numbers; its records, one a control and label, say more."""

    annotation: int
    task: int
    group: str
    annotator: str
    round: int
    created_at: float
    shown: bool
    """Whether a prediction of ours was in front of the person."""
    score: float | None
    """Of that prediction, as the micro-models gave it."""
    actions: int
    accepted: int
    labels: int


@dataclass(frozen=True, slots=True)
class AnnotatorWork:
    """What one person did in a project."""

    annotator: str
    """Label Studio's id of the user, as text; empty where it is not known."""
    tasks: int
    actions: int
    labels: int
    seconds: float
    """Spent with the annotations open; one that was left open for long counts as `LONGEST_SECONDS`."""


LONGEST_SECONDS = 600.0
"""Seconds that one annotation counts at most: beyond, a page was left open."""
