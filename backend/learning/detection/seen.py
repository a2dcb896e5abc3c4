"""What the network sees in a frame, and what is shown of it."""

from dataclasses import dataclass

from backend.learning.detection.candidates import Candidates
from backend.learning.tracking.link import Shown


@dataclass(frozen=True, slots=True, eq=False)
class Seen:
    """One frame's candidates."""

    task: int
    order: float | None
    size: tuple[int, int]
    """Width and height of the original frame, pixels."""
    candidates: Candidates


@dataclass(frozen=True, slots=True, eq=False)
class Decided:
    """What is shown in one frame, by label index, and which candidates these are."""

    seen: Seen
    shown: tuple[Shown, ...]
