"""Progress of a group's training as a whole, while its controls are trained one after the other. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from backend.types import Progress


@dataclass(frozen=True, slots=True)
class Share:
    """One control's part of a group's training."""

    before: int = 0
    """Controls that are done with."""
    of: int = 1
    """Controls in all."""
    after_seconds: float = 0.0
    """What those behind it took the last time; of one that was never trained nothing is known."""

    def whole(self, progress: Progress) -> Progress:
        """The progress of all, from that of this one."""
        left = progress.seconds_left
        return Progress((self.before + progress.done) / self.of, None if left is None else left + self.after_seconds)


def shares(controls: Sequence[str], took: Mapping[str, float]) -> list[Share]:
    """The part of each control, in the order in which they are trained; `took`: seconds that each took the last time."""
    behind = [sum(took.get(name, 0.0) for name in controls[place + 1 :]) for place in range(len(controls))]
    return [Share(place, len(controls), seconds) for place, seconds in enumerate(behind)]
