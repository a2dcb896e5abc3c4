"""Fault isolation in prediction: a frame that is too odd for a micro-model costs itself alone."""

from collections.abc import Sequence

import structlog

from backend.errors import LeaseLost, MediaError, StudioError, TrainingInterrupted
from backend.learning.fitting.training_input import EnclosingBoxes
from backend.learning.method import MicroModel
from backend.types import Frame, LabeledFrame, Prediction

NOT_OF_A_FRAME = (StudioError, MediaError, TrainingInterrupted, LeaseLost)
"""What says nothing about how odd a frame is. One that was here and cannot be had any more is sorted out by the next try,
as it looks again at what there is."""

log = structlog.get_logger(__name__)


def predict_each(
    model: MicroModel,
    frames: Sequence[Frame],
    labeled: Sequence[LabeledFrame],
    boxes: EnclosingBoxes | None,
) -> tuple[list[Prediction], dict[int, str]]:
    """(predictions of the frames, {task: what is wrong} for those that cannot be predicted).

    All together, since neighbours in time know of each other; one by one where that fails. Raises what the first frame
    raised where none can be predicted: then it is not the frames.
    """
    try:
        return model.predict(frames, labeled, boxes), {}
    except NOT_OF_A_FRAME:
        raise
    except Exception as error:
        log.warning("frames are predicted one by one", frames=len(frames), why=f"{type(error).__name__}: {error}")
        together = error
    found, odd = list[Prediction](), dict[int, str]()
    for frame in frames:
        try:
            found += model.predict([frame], labeled, boxes)
        except NOT_OF_A_FRAME:
            raise
        except Exception as error:
            odd[frame.task] = f"cannot be predicted: {type(error).__name__}: {error}"
            log.warning("frame not predicted", task=frame.task, why=odd[frame.task])
    if not found:
        raise together
    return found, odd
