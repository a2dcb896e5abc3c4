"""How a micro-model does on a group's human labels: on all, on those it learnt, on those it never saw."""

from collections.abc import Sequence
from dataclasses import replace

from backend.learning import methods
from backend.loop.data.dataset import Lesson
from backend.loop.train.promotion import split, strangers
from backend.types import Prediction, Quality, Weights
from model_registry import VersionRecord


class Judge:
    """Looks at a lesson's labelled frames with micro-models; each frame once, and by itself."""

    def __init__(self, lesson: Lesson, serving: VersionRecord | None, device: str) -> None:
        self._lesson, self._device = lesson, device
        indices = list(range(len(lesson.labeled)))
        self.seen, self.unseen = split(lesson.labeled, serving.metrics) if serving else (list[int](), indices)
        """Indices of the labelled frames that the serving version learnt, and of those that it never saw."""

    def look(self, weights: Weights) -> list[Prediction]:
        """What a micro-model says about the labelled frames; what its regions hang on is as the person drew it.

        Labelled frames lie far apart: taken for neighbours in time they would talk each other out of what is there.
        """
        labeled = self._lesson.labeled
        boxes = {f.frame.task: f.instances for f in labeled} if self._lesson.control.parent else None
        model = methods.load(weights, self._device)
        return model.predict([replace(f.frame, order=None) for f in labeled], (), boxes)

    def quality(self, found: Sequence[Prediction], indices: Sequence[int] | None = None) -> Quality:
        """Of predictions of the labelled frames, over all of them or over these."""
        labeled, chosen = self._lesson.labeled, range(len(found)) if indices is None else indices
        return methods.evaluate(self._lesson.control, [found[i] for i in chosen], [labeled[i] for i in chosen])

    def strangers(self, found: Sequence[Prediction]) -> list[int]:
        """Tasks with a label that the serving version never saw and does not agree with, the worst first."""
        tasks = [f.frame.task for f in self._lesson.labeled]
        return strangers({tasks[i]: self.quality(found, [i]).score for i in self.unseen})
