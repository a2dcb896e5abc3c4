"""Whole: all that a labeling config asks of a group, put together as the server puts it together."""

import warnings
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import count
from typing import Any, Self

from backend.conditions import hidden_beside
from backend.errors import MicroModelsError
from backend.instances import Instances, concatenate
from backend.objects.abstain import abstain
from backend.objects.asked import as_json, controls_of
from backend.objects.composing import composed, enclosing_boxes, kept
from backend.objects.crops import attribute_of
from backend.objects.frames import InputFrame
from backend.objects.inside import with_points
from backend.objects.micro_model import MicroModel
from backend.objects.model import Answer, Model
from backend.objects.union import apart_of, labels_of
from backend.types import Control, Head, Instance, Prediction


@dataclass(frozen=True, slots=True, eq=False)
class _Said:
    """What one micro-model says of some frames, by their position."""

    control: Control
    predictions: Sequence[Prediction]


@dataclass(frozen=True, eq=False, repr=False)
class Whole(Model):
    """The micro-models of control tags: boxes with their points and classes, masks, classes of frames; what the editor would hide
    beside the predicted choices is left out. Where one fails the others are kept, and a warning says why.

    A frame stands for each picture of a task: of a config with several `Image` tags ask the micro-models one by one.
    """

    kind = "whole"

    controls: tuple[Control, ...]
    models: tuple[MicroModel, ...]
    """One for each control."""

    @classmethod
    def restored(cls, settings: Mapping[str, Any], parts: Sequence[Any]) -> Self:
        """See `Value.restored`."""
        found = cls(controls_of(settings["controls"]), tuple(parts))
        if len(found.controls) != len(found.models):
            raise ValueError(f"{len(found.controls)} controls and {len(found.models)} models")
        return found

    @property
    def parts(self) -> tuple[MicroModel, ...]:
        """The micro-models."""
        return self.models

    @property
    def settings(self) -> Mapping[str, Any]:
        """The control tags."""
        return {"controls": as_json(self.controls)}

    @property
    def labels(self) -> tuple[str, ...]:
        """Of the objects, and of the frame; those of points and of regions' classes are not among them."""
        pairs = zip(self.controls, self.models, strict=True)
        return labels_of([model for control, model in pairs if not control.hangs_on])

    @property
    def heads(self) -> frozenset[Head]:
        """Of the objects, and of the frame."""
        return frozenset(control.head for control in self.controls if not control.hangs_on)

    @property
    def title(self) -> str:
        """See `Value.title`."""
        return f"whole({', '.join(control.from_name for control in self.controls)})"

    def answers(self, frames: Sequence[InputFrame], inside: Sequence[Instances] | None = None) -> list[Answer]:
        """See `Model.answers`."""
        models = {control.from_name: model for control, model in zip(self.controls, self.models, strict=True)}
        ids = map(str, count())

        def ask(control: Control, before: Sequence[_Said]) -> Iterator[_Said]:
            model = models[control.from_name]
            try:
                found = model.predictions(frames, enclosing_boxes(control, before))
            except MicroModelsError as error:
                warnings.warn(f"{model.title} says nothing: {error}", stacklevel=2)
                return
            yield _Said(control, list(kept(control, found, lambda: next(ids))))

        said = composed(self.controls, ask)
        each = ({one.control.from_name: one.predictions[n] for one in said} for n in range(len(frames)))
        return [_Frame(self.controls, models, predictions).answer() for predictions in each]


def whole(controls: Sequence[Control], models: Mapping[str, MicroModel]) -> Model:
    """The micro-models of these controls as one; one alone is itself, and none abstains."""
    if not controls:
        return abstain
    if len(controls) == 1 and controls[0].score_threshold is None:
        return models[controls[0].from_name]
    return Whole(tuple(controls), tuple(models[control.from_name] for control in controls))


@dataclass(frozen=True, slots=True, eq=False)
class _Frame:
    """All that is said of one frame."""

    controls: Sequence[Control]
    models: Mapping[str, MicroModel]
    said: Mapping[str, Prediction]
    """{name of a control: what is said with it}"""

    def answer(self) -> Answer:
        """The objects that the editor would show; the score is that of the least certain part that it shows."""
        hidden = hidden_beside(self.controls, self._chosen()) - {c.from_name for c in self.controls if c.attribute_of}
        shown = [c for c in self.controls if c.from_name in self.said and c.from_name not in hidden]
        standing = [control for control in shown if not control.hangs_on]
        there = {one.region_id for control in standing for one in self.said[control.from_name].instances}
        scores, looks = [self.said[c.from_name].score for c in standing], list[Answer]()
        hanging = {c.from_name: self._hanging(c, there) for c in shown if c.hangs_on}
        for name, found in hanging.items():
            if found or not self.said[name].instances:  # what is hidden as a whole is no work
                scores.append(self.said[name].score)
        for n, control in enumerate(standing):
            looks.append(apart_of(Answer(self._objects(control, hanging), 0.0), n, len(standing)))
        return Answer(concatenate(one.found for one in looks), min(scores, default=0.0))

    def _objects(self, control: Control, hanging: Mapping[str, Mapping[str, list[Instance]]]) -> Instances:
        """What is said with one control, with all that hangs on it."""
        prediction = self.said[control.from_name]
        found = self.models[control.from_name].instances(prediction.instances)
        for other in (one for one in self.controls if control.from_name in one.hangs_on and one.from_name in hanging):
            own = [hanging[other.from_name].get(str(one.region_id), []) for one in prediction.instances]
            if other.head is Head.POSE:
                rows = zip(prediction.instances, own, strict=True)
                points = [some[0] if some else replace(one, keypoints=()) for one, some in rows]
                found = with_points(found, self.models[other.from_name].instances(points))
            else:
                said = (attribute_of(other.from_name, Instances.of(some)) for some in own)
                attributes = [{**old, **new} for old, new in zip(found.attributes, said, strict=True)]
                found = found.with_columns(attributes=attributes)
        return found

    def _hanging(self, control: Control, there: set[str | None]) -> dict[str, list[Instance]]:
        """{region: what hangs on it} of the regions that are there; classes that the editor hides beside others are left out."""
        found = defaultdict[str, list[Instance]](list)
        for one in self.said[control.from_name].instances:
            if one.region_id in there and control.from_name not in self._hidden_of(control, str(one.region_id)):
                found[str(one.region_id)].append(one)
        return dict(found)

    def _hidden_of(self, control: Control, region: str) -> frozenset[str]:
        if not control.visible_when or not control.attribute_of:
            return frozenset()
        return hidden_beside(self.controls, {**self._chosen(), **self._chosen(region)})

    def _chosen(self, region: str | None = None) -> dict[str, frozenset[str]]:
        """{name of a control: what is chosen with it}, of the whole frame, or of one region."""
        return {
            control.from_name: frozenset(one.label for one in self.said[control.from_name].instances)
            if region is None
            else frozenset(one.label for one in self.said[control.from_name].instances if one.region_id == region)
            for control in self.controls
            if control.from_name in self.said
            and control.head is Head.CLASSIFICATION
            and bool(control.attribute_of) is (region is not None)
        }
