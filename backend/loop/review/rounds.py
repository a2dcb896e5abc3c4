"""Which round of a group something belongs to: label, train, predict, correct is one turn. Pure."""

from collections.abc import Sequence

from model_registry import VersionRecord, VersionState

SERVED = (VersionState.SERVING, VersionState.SUPERSEDED, VersionState.DAMAGED)
"""States of versions whose predictions people saw."""


def promotions(history: Sequence[VersionRecord]) -> list[float]:
    """When each round's version came to serve, in order; several controls trained on the same labels are one."""
    first: dict[int, float] = {}
    for version in history:
        if version.state in SERVED and version.finished_at is not None:
            at = version.finished_at
            first[version.label_revision] = min(at, first.get(version.label_revision, at))
    return sorted(first.values())


def round_at(served: Sequence[float], at: float) -> int:
    """The round at a time: how many promotions there were before."""
    return sum(moment <= at for moment in served)
