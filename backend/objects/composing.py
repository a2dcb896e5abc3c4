"""Composing: the micro-models that a labeling config asks for, as one: who is asked when, and about which regions. Pure.

There is no other place that puts them together. What the server publishes, what `/predict` answers and a group's `whole()` differ
in whom they ask: with the group's labelled frames, about one task, or about frames of any kind.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from math import isfinite
from typing import Protocol, TypeVar

from backend.tracks import Track, VideoPrediction
from backend.types import Control, Instance, Prediction


class Said(Protocol):
    """What is said with one control tag."""

    @property
    def control(self) -> Control:
        """The tag."""
        ...

    @property
    def predictions(self) -> Sequence[Prediction] | Sequence[VideoPrediction]:
        """As they are shown: see `kept`."""
        ...


AnySaid = TypeVar("AnySaid", bound=Said)
Ask = Callable[[Control, Sequence[AnySaid]], Iterable[AnySaid]]
"""(a control, what was said before it) -> what is said with it; nothing where nobody can."""


def composed(controls: Sequence[Control], ask: Ask[AnySaid]) -> list[AnySaid]:
    """What all say, each asked behind those whose regions it looks at."""
    said = list[AnySaid]()
    for control in in_dependency_order(controls):
        said += ask(control, said)
    return said


def in_dependency_order(controls: Sequence[Control]) -> list[Control]:
    """The controls, each behind the one that its regions hang on or are made from."""

    def place(control: Control) -> int:
        return 2 if control.attribute_of else (control.boxes_from or control.masks_from) is not None

    return sorted(controls, key=place)


def enclosing_boxes(control: Control, said: Sequence[Said]) -> dict[int, tuple[Instance, ...]] | None:
    """{task: the instances that a control's regions are to hang on}, from what was said before it; None: on nothing."""
    if not control.hangs_on:
        return None
    found = defaultdict[int, tuple[Instance, ...]](tuple)
    for name in control.hangs_on:
        for task, boxes in instances_of(name, said).items():
            # Upright, as the crops are in which what hangs on them is looked for.
            found[task] += tuple(box.upright() for box in boxes if _is_meant(control, box.label))
    return dict(found)


def enclosing_tracks(control: Control, said: Sequence[Said]) -> dict[int, tuple[Track, ...]]:
    """{task: the tracks that a control says something of}, from what was said before it."""
    found = defaultdict[int, tuple[Track, ...]](tuple)
    for p in (p for one in said if one.control.from_name in control.hangs_on for p in one.predictions):
        if isinstance(p, VideoPrediction):
            found[p.task] += tuple(track for track in p.tracks if _is_meant(control, track.label))
    return dict(found)


def instances_of(name: str, said: Sequence[Said]) -> dict[int, tuple[Instance, ...]]:
    """{task: what was said with the control of this name}"""
    found = (p for one in said if one.control.from_name == name for p in one.predictions)
    return {p.task: p.instances for p in found if isinstance(p, Prediction)}


def kept(control: Control, predictions: Iterable[Prediction], new_id: Callable[[], str]) -> Iterator[Prediction]:
    """The predictions without instances below the control's own threshold, each instance with an id for its region.

    What a network says with numbers that are none, it does not say: the frame counts as its least certain.
    """
    limit = control.score_threshold
    for p in predictions:
        some = (one for one in p.instances if _is_sound(one) and (limit is None or one.score >= limit))
        named = tuple(one if one.region_id else replace(one, region_id=new_id()) for one in some)
        yield replace(p, instances=named, score=p.score if isfinite(p.score) else 0.0)


def _is_meant(control: Control, label: str) -> bool:
    return not control.only_of or label in control.only_of


def _is_sound(instance: Instance) -> bool:
    points = [number for point in instance.keypoints for number in (point.x, point.y)]
    return all(isfinite(number) for number in (*instance.box, instance.angle, instance.score, *points))
