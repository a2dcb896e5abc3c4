"""Evaluator: how a micro-model does on a group's human labels; on all, on those it learnt, on those it never saw."""

from collections.abc import Sequence
from dataclasses import replace

from backend.learning import methods
from backend.loop.data.training_set import TrainingSet
from backend.loop.train.promotion import conflicting_labels, split_seen
from backend.types import Prediction, Quality, Weights
from model_registry import VersionRecord


class Evaluator:
    """Looks at a training set's labelled frames with micro-models; each frame once, and by itself."""

    def __init__(self, training_set: TrainingSet, serving: VersionRecord | None, device: str) -> None:
        self._training_set, self._device = training_set, device
        indices = list(range(len(training_set.labeled)))
        self.seen, self.unseen = (
            split_seen(training_set.labeled, serving.metrics) if serving else (list[int](), indices)
        )
        """Indices of the labelled frames that the serving version learnt, and of those that it never saw."""

    def predict(self, weights: Weights) -> list[Prediction]:
        """What a micro-model says about the labelled frames; what its regions hang on is as the person drew it.

        Labelled frames lie far apart: taken for neighbours in time they would talk each other out of what is there.
        """
        labeled = self._training_set.labeled
        boxes = {f.frame.task: f.instances for f in labeled} if self._training_set.control.hangs_on else None
        model = methods.load(weights, self._device)
        return model.predict([replace(f.frame, order=None) for f in labeled], (), boxes)

    def quality(self, predictions: Sequence[Prediction], indices: Sequence[int] | None = None) -> Quality:
        """Of predictions of the labelled frames, over all of them or over these."""
        labeled, chosen = self._training_set.labeled, range(len(predictions)) if indices is None else indices
        return methods.evaluate(
            self._training_set.control, [predictions[i] for i in chosen], [labeled[i] for i in chosen]
        )

    def conflicting_labels(self, predictions: Sequence[Prediction]) -> list[int]:
        """Tasks with a label that the serving version never saw and does not agree with, the worst first."""
        tasks = [f.frame.task for f in self._training_set.labeled]
        return conflicting_labels({tasks[i]: self.quality(predictions, [i]).score for i in self.unseen})
