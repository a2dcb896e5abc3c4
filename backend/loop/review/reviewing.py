"""Reviewing the labels that came in since the last time: which prediction was shown, and what became of it.

Not on the path of a webhook: a worker does it before it trains, and whoever asks for figures before they are read.
"""

from collections.abc import Iterable, Sequence

import structlog

from backend.errors import LabelingConfigError
from backend.loop.review.compare import Accepted, compare, kept_regions, rows, shown_entry
from backend.loop.review.rounds import promotions, round_at
from backend.loop.services import Services
from backend.studio.events import created_at
from backend.studio.visibility import hidden, hidden_classes
from backend.types import Control
from model_registry import LabelRecord, LedgerEntry, Review

log = structlog.get_logger(__name__)

AT_ONCE = 200
"""Labels reviewed between two transactions: an import of thousands must not hold them all in memory."""


def review_pending(services: Services, project: int) -> None:
    """Review what is pending in a project; cheap where nothing is."""
    registry, controls = services.registry, _controls(services, project)
    while waiting := registry.reviews.pending(project, AT_ONCE):
        served = {
            group: promotions(registry.versions.history(project, group)) for group in {group for group, _ in waiting}
        }
        published = registry.ledger.kept(project, {label.task for _, label in waiting})
        made = [review(label, served[group], published.get(label.task, ()), controls) for group, label in waiting]
        if registry.reviews.record(project, made) < len(made):
            return  # labels changed meanwhile: they are pending again, for whoever asks next


def accepted(services: Services, project: int, group: str, labels: Iterable[LabelRecord]) -> Accepted:
    """Which of a group's labels, or of their regions, are predictions that were left as they were shown."""
    registry = services.registry
    shown = {one.annotation: one for one in registry.reviews.summaries(project, group) if one.shown}
    mine = [label for label in labels if label.id in shown]
    published = registry.ledger.kept(project, {label.task for label in mine})
    regions = {label.id: _kept(label, published.get(label.task, ())) for label in mine}
    return Accepted(frozenset(id_ for id_, one in shown.items() if not one.actions), regions)


def shown_for(label: LabelRecord, published: Sequence[LedgerEntry]) -> LedgerEntry | None:
    """The prediction that was in front of whoever made a label; `published` are those of its task, newest first."""
    return _shown(label, published)


def _controls(services: Services, project: int) -> tuple[Control, ...]:
    record = services.registry.projects.get(project)
    try:
        return services.config(record).controls if record else ()
    except LabelingConfigError:
        return ()


def _kept(label: LabelRecord, published: Sequence[LedgerEntry]) -> frozenset[str]:
    try:
        entry = _shown(label, published)
        return kept_regions(entry.result, label.result) if entry else frozenset()
    except Exception:
        log.exception("what was kept of a prediction cannot be told", annotation=label.id, task=label.task)
        return frozenset()


def _shown(label: LabelRecord, published: Sequence[LedgerEntry]) -> LedgerEntry | None:
    return shown_entry(label.result, bool(label.details.get("parent_prediction")), _made_at(label), published)


def _made_at(label: LabelRecord) -> float:
    return created_at(label.details) or label.updated_at


def review(
    label: LabelRecord, served: Sequence[float], published: Sequence[LedgerEntry], controls: Sequence[Control] = ()
) -> Review:
    """One label against what was published for its task, newest first; `served` are the promotions of its group, and
    `controls` those of the labeling config.

    One too odd to be compared has a review without figures: it must not stand in the way of the project's others.
    """
    try:
        return _review(label, served, published, controls)
    except Exception:
        log.exception("label not reviewed", annotation=label.id, task=label.task)
        return Review(label.id, label.updated_at, "", 0, label.updated_at, False, None, ())


def _review(
    label: LabelRecord, served: Sequence[float], published: Sequence[LedgerEntry], controls: Sequence[Control]
) -> Review:
    made_at, entry = _made_at(label), _shown(label, published)
    shown = entry.result if entry else ()
    unseen = hidden(controls, label.result) | hidden_classes(controls, shown, label.result)
    return Review(
        annotation=label.id,
        updated_at=label.updated_at,
        annotator=str(label.details.get("completed_by") or ""),
        round=round_at(served, made_at),
        created_at=made_at,
        shown=entry is not None,
        score=None if entry is None else entry.model_score,
        tallies=rows(compare(shown, label.result, unseen)),
    )
