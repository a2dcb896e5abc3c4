"""Human actions: regions of a shown prediction that a person accepted, moved, relabelled, added or deleted. Pure.

The rule: the newest state of an annotation is compared with the prediction that was in front of the person when it was
made. What counts is the difference between the two, however many times the annotation was saved on the way: moving a
box twice is one action, moving it away and back is none. So the count does not depend on which events came through.

Actions: one for each region drawn, moved or resized, relabelled, or deleted; moved and relabelled are two. In a track,
each keyframe touched counts. Accepting is none. What hangs on what (`parentID`) is no action by itself. A class of a
region (`perRegion`) counts beside the region: setting or changing it is one action, and the region stays as it was;
what goes with a region that is deleted or relabelled, as the editor then drops it, is none.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence, Set
from dataclasses import asdict, dataclass, field
from typing import Any

from backend.studio.compare import Key, Region, regions_of, touched
from model_registry import LedgerEntry

CLOCK_SKEW_SECONDS = 5.0
"""Seconds by which two machines' clocks may differ; no training is that short, so no later prediction gets in."""

Item = Mapping[str, Any]


@dataclass(slots=True)
class Tally:
    """Counts of one control and label; see ReviewRecord."""

    accepted: int = 0
    moved: int = 0
    relabelled: int = 0
    added: int = 0
    deleted: int = 0
    labels: int = 0

    @property
    def actions(self) -> int:
        """Human actions."""
        return self.moved + self.relabelled + self.added + self.deleted


@dataclass(frozen=True, slots=True)
class Accepted:
    """What people left as it was shown to them: it is right, but its outlines are a micro-model's own."""

    frames: frozenset[int] = frozenset()
    """Annotations in which nothing was mended."""
    regions: Mapping[int, frozenset[str]] = field(default_factory=dict)
    """{annotation: ids of its regions that nobody touched}"""


NOTHING = Accepted()

Tallies = dict[tuple[str, str], Tally]
"""By control and label; ("", "") stands for a frame without any region."""


def compare(shown: Sequence[Item], result: Sequence[Item], hidden: Set[str | Key] = frozenset()) -> Tallies:
    """What was done to the regions of `shown` so that `result` came of it. A relabelled one counts with its new label.

    `hidden` are the controls, and the classes of regions by control and id, that the editor does not show beside the choices
    in `result`: nobody deleted what was shown of them.
    """
    before = {region.key: region for region in regions_of(shown) if not {region.control, region.key} & hidden}
    tallies: defaultdict[tuple[str, str], Tally] = defaultdict(Tally)
    kept = set[str]()
    for region in regions_of(result):
        tally, old = tallies[region.control, region.label], before.pop(region.key, None)
        tally.labels += region.covers
        _count(tally, old, region)
        if old is not None and old.labels == region.labels and not region.is_attribute:
            kept.add(region.key[1])
    for region in before.values():
        if not region.is_attribute or region.key[1] in kept:
            tallies[region.control, region.label].deleted += 1
    return dict(tallies) or {("", ""): Tally()}


def kept_regions(shown: Sequence[Item], result: Sequence[Item]) -> frozenset[str]:
    """Ids of the regions of `result` that are as they were in `shown`, whatever else is said of them."""
    before = {region.key: region for region in regions_of(shown) if not region.is_attribute}
    pairs = ((before.get(region.key), region) for region in regions_of(result))
    return frozenset(b.key[1] for b, after in pairs if b and b.labels == after.labels and not touched(b, after))


def changed_regions(shown: Sequence[Item], result: Sequence[Item]) -> dict[tuple[str, str], bool]:
    """{(control, id): whether a person changed it} for the regions of `result` that were in `shown`."""
    before = {region.key: region for region in regions_of(shown)}
    pairs = ((before.get(region.key), region) for region in regions_of(result))
    return {b.key: b.labels != after.labels or touched(b, after) > 0 for b, after in pairs if b}


def rows(tallies: Tallies) -> list[dict[str, Any]]:
    """As the registry stores them."""
    return [{"control": c, "label": label, **asdict(t)} for (c, label), t in sorted(tallies.items())]


def shown_entry(
    result: Sequence[Item], from_prediction: bool, created_at: float, entries: Sequence[LedgerEntry]
) -> LedgerEntry | None:
    """Which of the predictions published for a task was in front of the person; None: none of ours.

    `entries` are newest first; those that came after the annotation cannot be meant, though they may go on with its
    tracks. Regions keep their ids, so ids that both have tell it, also when the prediction was renewed while it was
    open. Where no region is left of it, `from_prediction` says that there was one: the last before the annotation.
    """
    ids = {item.get("id") for item in result if isinstance(item.get("id"), str)}
    before = [entry for entry in entries if entry.published_at <= created_at + CLOCK_SKEW_SECONDS]
    common = [len(ids & {item.get("id") for item in entry.result}) for entry in before]
    most = max(common, default=0)
    if most == 0 and not from_prediction:
        return None
    return next((entry for entry, n in zip(before, common, strict=True) if n == most), None)


def _count(tally: Tally, before: Region | None, after: Region) -> None:
    if before is None:
        tally.added += after.strokes
        return
    moves, relabelled = touched(before, after), before.labels != after.labels
    tally.moved += moves
    tally.relabelled += relabelled
    tally.accepted += not (moves or relabelled)
