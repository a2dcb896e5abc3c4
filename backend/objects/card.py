"""Card of a micro-model: where it comes from and how good it is, in what a person and a program can read."""

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Self

KINDS: Mapping[str, type | tuple[type, ...]] = {
    "group": str, "control": str, "version": int, "labelled": int, "measure": str, "score": (int, float), "start": str,
    "lineage": (list, tuple), "origin": str,
}  # fmt: skip
"""What each field of a card is in a file."""
LONGEST, LARGEST = 10_000, 1 << 31
"""Of a text and of a list, and of a number: a file may be anybody's, and what it says is stored and shown."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Card:
    """What is known of a micro-model besides its weights."""

    group: str = ""
    """What it was trained on."""
    control: str = ""
    """The control tag that it answers to: what its class of a crop is called."""
    version: int = 0
    """Of the group's micro-model; 0 where it was not trained by the server."""
    labelled: int = 0
    """Frames that it learnt from."""
    measure: str = ""
    """What `score` is, in words: each head has its own."""
    score: float | None = None
    """On labels that it had never seen; None where there were none yet."""
    start: str = ""
    """What its training started from, in a word: `backbone`, `sibling`..."""
    lineage: tuple[str, ...] = ()
    """Digests of the models that it was started from, the nearest first."""
    origin: str = ""
    """The registry that it was read from, or where it was imported from."""

    @classmethod
    def of(cls, values: Mapping[str, Any]) -> Self:
        """From what `as_json` gave, also in a file of others: what this release does not know, is not of its kind, or no
        registry would hold, is left out."""
        kept = {name: one for name, one in values.items() if isinstance(one, KINDS.get(name, ())) and _is_sane(one)}
        found: dict[str, Any] = kept
        return cls(**found | {"lineage": tuple(map(str, found.get("lineage", ())))})

    def as_json(self) -> dict[str, Any]:
        """Its fields that say something."""
        return {name: value for name, value in asdict(self).items() if value not in ("", 0, None, ())}

    @property
    def title(self) -> str:
        """As `'scene 12' v4`.

        >>> Card(group="scene 12", version=4).title
        "'scene 12' v4"
        """
        return (repr(self.group) if self.group else "unnamed") + (f" v{self.version}" if self.version else "")


def _is_sane(value: Any) -> bool:
    if isinstance(value, int | float):
        return math.isfinite(value) and abs(value) < LARGEST
    return len(value) <= LONGEST and (
        isinstance(value, str) or all(isinstance(one, str) and _is_sane(one) for one in value)
    )
