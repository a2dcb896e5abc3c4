"""The micro-models of one group as one composition: publishing, `/predict` and transfer ask it, each about its own tasks."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from backend.loop.data.merge import ControlPredictions, shown, shown_tracks
from backend.loop.data.pages import task_of
from backend.loop.data.training_set import TrainingSet
from backend.loop.predict.alone import predict_each
from backend.loop.predict.box_masks import box_masks, with_drawn
from backend.loop.predict.track_attributes import predict_attributes
from backend.loop.predict.video_predict import predict_clips
from backend.objects.composing import composed, enclosing_boxes, enclosing_tracks, instances_of
from backend.studio.labeling_config import LabelingConfig
from backend.types import Control, Instance, Media

if TYPE_CHECKING:
    from backend.learning.method import MicroModel


@dataclass(frozen=True, slots=True, eq=False)
class ControlPredictor:
    """Who predicts for a control: the micro-model of a version."""

    control: Control
    version: int
    """Its id."""
    model: "MicroModel"


Drawn = dict[int, tuple[Instance, ...]]
"""By task, or page."""


def nothing_drawn(control: Control, given: TrainingSet) -> Drawn:
    """Of tasks that nobody has labelled."""
    return {}


@dataclass(frozen=True, slots=True, eq=False)
class GroupComposition:
    """What a labeling config asks for, and who can say it in one group."""

    config: LabelingConfig
    predictors: Sequence[ControlPredictor]
    backbone: str
    """What masks of boxes are looked for with where nobody has learnt them."""
    look: Callable[[Control], TrainingSet]
    """What to look at for a control, and what is labelled there."""
    drawn: Callable[[Control, TrainingSet], Drawn] = nothing_drawn
    """The boxes of a control that people drew in what is looked at: they get masks, too."""

    def said(self) -> tuple[list[ControlPredictions], dict[int, str]]:
        """(what each control's micro-model says, behind what its regions hang on, {task: what is wrong with it})."""
        unreadable = dict[int, str]()
        return composed(self.config.controls, partial(self._ask, unreadable)), unreadable

    def _ask(
        self, unreadable: dict[int, str], control: Control, before: Sequence[ControlPredictions]
    ) -> Iterator[ControlPredictions]:
        predictor = next((one for one in self.predictors if one.control.from_name == control.from_name), None)
        source = self.config.control(control.masks_from or "")
        if predictor is None and source is None:
            return
        given = self.look(control)
        unreadable.update(given.unreadable)
        if source is not None:
            drawn = self.drawn(source, given)
            yield with_drawn(source, drawn, given.sizes)
            yield self._masked(predictor, given, instances_of(source.from_name, before) | drawn)
        elif predictor is not None and control.media is Media.VIDEO:
            yield _of_videos(predictor, given, before)
        elif predictor is not None:
            boxes = enclosing_boxes(control, before)
            found, odd = predict_each(predictor.model, given.rest, given.labeled, boxes)
            unreadable.update({task_of(page): why for page, why in odd.items()})
            yield ControlPredictions(control, predictor.version, shown(control, found), given.sizes)

    def _masked(self, predictor: ControlPredictor | None, given: TrainingSet, boxes: Drawn) -> ControlPredictions:
        """Masks for boxes, also where no version serves yet."""
        model, version = (predictor.model, predictor.version) if predictor else (None, None)
        masks = box_masks(given.control, boxes, given, model, self.backbone)
        return ControlPredictions(given.control, version, shown(given.control, masks), given.sizes)


def _of_videos(
    predictor: ControlPredictor, given: TrainingSet, before: Sequence[ControlPredictions]
) -> ControlPredictions:
    """What it says of whole videos: tracks, or the classes of those before it."""
    control = predictor.control
    if control.attribute_of:
        videos = predict_attributes(predictor.model, control, given.clips, enclosing_tracks(control, before))
    else:
        videos = predict_clips(predictor.model, control, given.clips)
    return ControlPredictions(control, predictor.version, shown_tracks(control, videos))
