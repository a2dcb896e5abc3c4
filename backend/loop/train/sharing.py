"""Progress of a group's training as a whole, while its controls are trained one after the other. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate

from backend.types import Progress


@dataclass(frozen=True, slots=True)
class Share:
    """One control's part of a group's training."""

    begins: float = 0.0
    """Share of the whole that is done before it..."""
    ends: float = 1.0
    """... and with it."""
    after_seconds: float = 0.0
    """What those behind it took the last time; of one that was never trained nothing is known."""

    def whole(self, progress: Progress) -> Progress:
        """The progress of all, from that of this one."""
        left = progress.seconds_left
        done = self.begins * (1 - progress.done) + self.ends * progress.done
        return Progress(done, None if left is None else left + self.after_seconds)


def shares(controls: Sequence[str], took: Mapping[str, float]) -> list[Share]:
    """The part of each control, in the order in which they are trained; `took`: seconds that each took the last time, by which
    the parts are as long. Where one was never trained they are equal."""
    known = [took.get(name, 0.0) for name in controls]
    weights = known if all(known) else [1.0] * len(controls)
    ends = [done / sum(weights) for done in accumulate(weights)]
    behind = [sum(known[place + 1 :]) for place in range(len(controls))]
    return [Share(*part) for part in zip([0.0, *ends], ends, behind, strict=False)]
