"""Enclosing boxes of unlabelled frames: what the micro-model that a control hangs on, trained just before it, sees there."""

from collections.abc import Mapping, Sequence

from backend.learning.fitting.training_input import EnclosingBoxes, FindBoxes
from backend.loop.data.stitch import shown, upright_boxes
from backend.loop.data.training_set import TrainingSet
from backend.loop.data.weights import read_and_load
from backend.loop.services import Services
from backend.studio.labeling_config import control_fingerprint
from backend.types import Control, Frame
from model_registry import GroupRecord


def boxes_for(
    services: Services, group: GroupRecord, control: Control, training_sets: Mapping[str, TrainingSet]
) -> FindBoxes | None:
    """What finds the boxes that a control's regions hang on, by the version that serves now; None where none can.

    `training_sets` are those of the controls trained before, by name.
    """
    training_set = training_sets.get(control.boxes_from or "")
    if training_set is None:
        return None
    version = services.registry.versions.serving(group.project, group.name).get(training_set.control.from_name)
    if version is None or version.fingerprint != control_fingerprint(training_set.control):
        return None

    def find(frames: Sequence[Frame]) -> EnclosingBoxes:
        _, model = read_and_load(services, version)
        predictions = shown(training_set.control, model.predict(frames, training_set.labeled))
        return {prediction.task: upright_boxes(prediction.instances) for prediction in predictions}

    return find
