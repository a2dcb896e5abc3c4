"""Label efficiency: how much of a group's work its micro-models do, by round and in all.

Label efficiency is 1 - human actions / labels in the finished group. The labels and actions so far are counted, from
the reviews. What is left is estimated: of the frames without a label, how many labels they hold is that of the
labelled ones on average, and how many actions they need is their published doubt (1 - score), at the rate of actions
per doubt that the last reviewed predictions showed. So a round of the least certain frames, which need more work than
others, does not make the rest look as bad.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from backend.loop.review.reviewing import review_pending
from backend.loop.review.rounds import promotions, round_at
from backend.loop.review.stopping import advice, recent, video_advice
from backend.loop.services import Services
from model_registry import GroupRecord, ReviewSummary, VersionRecord

PROJECTED = 500
"""Frames of the group that efficiency is projected to: the first five labels alone cost 4.5 % of 110, 1 % of 500."""
PRIOR_DOUBT = 1.0
"""Doubt that counts as seen before any review, all of its labels wrong: about one frame, so that ten reviews rule."""
NAMED = 200
"""Groups that a query names; for more it reads the whole project."""


@dataclass(frozen=True, slots=True)
class RoundFigures:
    """What was done in one round."""

    round: int
    """0: before any version served."""
    frames: int
    labels: int
    actions: int
    accepted: int
    """Regions left as they were."""
    efficiency: float | None
    """1 - actions / labels of this round alone."""
    held_out_score: float | None
    """Of the version that served in this round, on the frames labelled in it, which it had never seen."""


@dataclass(frozen=True, slots=True)
class Efficiency:
    """Where a group stands."""

    rounds: tuple[RoundFigures, ...]
    actions: int
    """Human actions so far."""
    labels: int
    """Labels of the labelled frames."""
    left: int
    """Frames without a label."""
    expected_actions_left: float | None
    """Estimated; None where nothing was predicted yet."""
    efficiency: float | None
    """Of the finished group: counted so far, estimated for the rest."""
    projected_500: float | None
    """The same, had the group 500 frames; of a larger group the same as `efficiency`."""
    advice: str
    reviewed: int = 0
    """Annotations made with a prediction in sight: without one, efficiency says nothing of the micro-model."""
    whole_videos: bool = False
    """Tasks are whole videos: actions are keyframes, labels the frames that these cover."""


def group_efficiency(services: Services, project: int, group: str) -> Efficiency:
    """Where one group stands, by round."""
    review_pending(services, project)
    registry = services.registry
    record = registry.groups.get(project, group) or GroupRecord(project, group, "")
    scores = held_out_scores(registry.versions.history(project, group))
    return figures(record, registry.reviews.summaries(project, group), scores, _whole_videos(services, project))


def project_efficiency(services: Services, groups: Sequence[GroupRecord]) -> dict[str, Efficiency]:
    """Where the groups of one project stand, without held-out scores; three queries, however many groups."""
    if not groups:
        return {}
    project = groups[0].project
    review_pending(services, project)
    only = [group.name for group in groups] if len(groups) <= NAMED else []
    reviews = defaultdict[str, list[ReviewSummary]](list)
    for review in services.registry.reviews.summaries(project, *only):
        reviews[review.group].append(review)
    videos = _whole_videos(services, project)
    return {group.name: figures(group, reviews[group.name], {}, videos) for group in groups}


def _whole_videos(services: Services, project: int) -> bool:
    record = services.registry.projects.get(project)
    return record is not None and services.video_field(record) is not None


def figures(
    group: GroupRecord, reviews: Sequence[ReviewSummary], held_out: Mapping[int, float], whole_videos: bool = False
) -> Efficiency:
    """Where a group with these reviews, oldest first, stands. Pure."""
    actions = sum(review.actions for review in reviews)
    newest = {review.task: review.labels for review in reviews}
    labels, left = sum(newest.values()), group.tasks - group.labelled
    each = labels / len(newest) if newest else 0.0
    rate = _actions_a_frame(group.doubt, reviews, each) if newest else None
    expected = _expected(group, reviews, labels) if left == 0 else None if rate is None else rate * left
    more = max(PROJECTED - len(newest), left)
    return Efficiency(
        rounds=_rounds(reviews, held_out),
        actions=actions,
        labels=labels,
        left=left,
        expected_actions_left=expected,
        efficiency=None if expected is None else label_efficiency(actions + expected, labels + each * left),
        projected_500=None if rate is None else label_efficiency(actions + rate * more, labels + each * more),
        advice=video_advice(reviews, left, group.doubt is not None)
        if whole_videos
        else advice(reviews, left, expected),
        reviewed=sum(review.shown for review in reviews),
        whole_videos=whole_videos,
    )


def held_out_scores(history: Sequence[VersionRecord]) -> dict[int, float]:
    """{round: score of the version that served in it, on the labels that it had never seen}; of the weakest control."""
    served = promotions(history)
    found: dict[int, dict[str, float]] = defaultdict(dict)
    for version in sorted(history, key=lambda v: v.id):
        score = (version.metrics.get("unseen") or {}).get("score")
        if score is not None:
            found[round_at(served, version.created_at)][version.control] = float(score)
    return {number: min(scores.values()) for number, scores in found.items()}


def _expected(group: GroupRecord, reviews: Sequence[ReviewSummary], labels: int) -> float:
    """Actions expected in a group without an unlabelled task: none, but in whole videos, which are predicted although
    somebody drew some of their frames, as many as there is doubt, until a prediction was reviewed."""
    return labels * group.doubt if group.doubt is not None and not recent(reviews) else 0.0


def _actions_a_frame(doubt: float | None, reviews: Sequence[ReviewSummary], each: float) -> float | None:
    """Actions that a frame without a label is expected to need; None where nothing was predicted."""
    if doubt is None:
        return None
    known = [(review.actions, 1 - review.score) for review in recent(reviews) if review.score is not None]
    actions = sum(a for a, _ in known) + each * PRIOR_DOUBT
    return doubt * actions / (sum(d for _, d in known) + PRIOR_DOUBT)


def label_efficiency(actions: float, labels: float) -> float | None:
    """1 - actions / labels; None where there is nothing to label."""
    return 1 - actions / labels if labels else None


def _rounds(reviews: Sequence[ReviewSummary], held_out: Mapping[int, float]) -> tuple[RoundFigures, ...]:
    rounds = defaultdict[int, list[ReviewSummary]](list)
    for review in reviews:
        rounds[review.round].append(review)
    found = []
    for number, mine in sorted(rounds.items()):
        labels, actions = sum(r.labels for r in mine), sum(r.actions for r in mine)
        frames, accepted = len({r.task for r in mine}), sum(r.accepted for r in mine)
        efficiency = label_efficiency(actions, labels)
        found.append(RoundFigures(number, frames, labels, actions, accepted, efficiency, held_out.get(number)))
    return tuple(found)
