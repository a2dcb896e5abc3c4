"""Enclosing boxes of unlabelled frames: what the micro-model that a control hangs on, trained just before it, sees there."""

from collections.abc import Mapping, Sequence

from backend.learning.fitting.training_input import EnclosingBoxes, FindBoxes
from backend.loop.data.dataset import Lesson
from backend.loop.data.stitch import enclosing, shown
from backend.loop.data.weights import read_and_load
from backend.loop.services import Services
from backend.studio.labeling_config import control_fingerprint
from backend.types import Control, Frame
from model_registry import GroupRecord


def boxes_for(
    services: Services, group: GroupRecord, control: Control, lessons: Mapping[str, Lesson]
) -> FindBoxes | None:
    """What finds the boxes that a control's regions hang on, by the version that serves now; None where none can.

    `lessons` are those of the controls trained before, by name.
    """
    lesson = lessons.get(control.parent or "")
    if lesson is None:
        return None
    version = services.registry.versions.serving(group.project, group.name).get(lesson.control.from_name)
    if version is None or version.fingerprint != control_fingerprint(lesson.control):
        return None

    def find(frames: Sequence[Frame]) -> EnclosingBoxes:
        _, model = read_and_load(services, version)
        found = shown(lesson.control, model.predict(frames, lesson.labeled))
        return {prediction.task: enclosing(prediction.instances) for prediction in found}

    return find
