"""One training on one labelled folder and the predictions of all its other frames, by whichever method its head has."""

import json
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from backend.learning import methods
from backend.learning.detection import evaluation as detection
from backend.learning.fitting.training_input import TrainingInput
from backend.learning.method import Method
from backend.learning.pose import evaluation as pose
from backend.learning.segmentation import evaluation as segmentation
from backend.types import Control, Frame, Head, LabeledFrame, Prediction, Weights
from tests.benchmarks.baselines.baseline import Baseline, Given
from tests.benchmarks.group import Group, chosen
from tests.benchmarks.pose import PoseGroup

BACKBONE = "tf_efficientnet_lite0"
GOOD_OVERLAP = 0.8
"""J from which a person leaves a mask as it is."""


@dataclass(frozen=True, slots=True)
class Trial:
    """What one training came to."""

    head: Head
    predictions: Sequence[Prediction]
    truth: Sequence[LabeledFrame]
    seconds: float
    """CPU seconds from the labels to the predictions: what else the machine does counts little."""

    @property
    def quality(self) -> float:
        """By the head's own measure."""
        return methods.evaluate(self.head, self.predictions, self.truth).score or 0.0

    @property
    def figures(self) -> dict[str, float | None]:
        """What the head is judged by, as the acceptance runner measures it; None where a figure does not exist."""
        match self.head:
            case Head.DETECTION:
                at = {iou: detection.evaluate(self.predictions, self.truth, iou) for iou in (0.5, 0.7)}
                return {"F1@0.5": at[0.5].f1, "F1@0.7": at[0.7].f1, "recall": at[0.5].recall}
            case Head.SEGMENTATION:
                masks = segmentation.evaluate(self.predictions, self.truth)
                return {"J": masks.overlap, "false masks": masks.false_positives}
            case Head.POSE:
                near = {share: pose.evaluate(self.predictions, self.truth, share) for share in (0.05, 0.1)}
                return {"PCK 5 %": near[0.05].recall, "PCK 10 %": near[0.1].recall, "precision": near[0.1].precision}
            case Head.CLASSIFICATION:
                return {"accuracy": self.quality}

    @property
    def right(self) -> list[bool]:
        """Of each frame, whether a person would leave it as it is."""
        limit = GOOD_OVERLAP if self.head is Head.SEGMENTATION else 1.0
        return [self._is_right(p, t, limit) for p, t in zip(self.predictions, self.truth, strict=True)]

    def _is_right(self, prediction: Prediction, truth: LabeledFrame, limit: float) -> bool:
        labels = [{i.label for i in one.instances} for one in (prediction, truth)]
        score = methods.evaluate(self.head, [prediction], [truth]).score
        # Of an empty frame there is no score: it is right where nothing is shown.
        return labels[0] == labels[1] and (score is None or score >= limit)

    @property
    def auc(self) -> float | None:
        """How well frames' scores tell right ones from wrong ones; 0.5 tells nothing, None where all are alike."""
        scores, right = np.array([one.score for one in self.predictions]), np.array(self.right)
        good, bad = scores[right], scores[~right]
        if not len(good) or not len(bad):
            return None
        return float(np.mean((good[:, None] > bad) + (good[:, None] == bad) / 2))


class Clip:
    """One labelled folder, and the method and the recipe of its head."""

    def __init__(self, folder: Path, labels: int = 5, seed: int = 0) -> None:
        self.head = Head(folder.parent.name)
        self.group = PoseGroup(folder) if self.head is Head.POSE else Group(folder)
        self.control = Control("label", "image", "", self.head, self.group.data_set.classes, "image")
        self.method: Method[Any] = methods.method_for(self.control)
        at = chosen(self.group, labels, seed)
        self.labeled, self.others = [self.group.labeled(i) for i in at], self.group.without(at)
        blank = np.zeros((1, 1, 3), np.uint8)
        self.truth = [
            LabeledFrame(
                Frame(i, blank, self.labeled[0].frame.width, self.labeled[0].frame.height), self.group.truth(i)
            )
            for i in self.others.indices
        ]
        self.boxes = {one.frame.task: one.instances for one in self.truth} if self.group.parented else None
        """The true ones, of points that hang on boxes: what finds them is not on trial."""

    def recipe(self, effort: float = 1.0) -> Any:
        return self.method.recipe_for(self.control, BACKBONE, effort)

    def tried(self, recipe: Any, seed: int) -> Trial:
        """Trained with a recipe."""
        began = time.process_time()
        found = self.answers(self.trained(recipe, seed))
        return Trial(self.head, found, self.truth, time.process_time() - began)

    def trained(self, recipe: Any, seed: int) -> Weights:
        """On the labelled frames."""
        given = TrainingInput(
            labeled=self.labeled, unlabeled=self.others, labels=self.control.labels, device="cpu", seed=seed
        )
        return self.method.train(given, recipe).weights

    def answers(self, weights: Weights) -> Sequence[Prediction]:
        """Of all frames but the labelled ones."""
        return self.method.load(weights, "cpu").predict(self.others, self.labeled, self.boxes)

    def tried_without(self, weights: Weights, mechanism: str | None) -> Trial:
        """What these weights answer, with one of `Method.inference_switches` off; the seconds are of the answers alone."""
        began = time.process_time()
        config = json.loads(weights.metadata["blueprint"]) | (self.method.switches[mechanism] if mechanism else {})
        changed = replace(weights, metadata={**weights.metadata, "blueprint": json.dumps(config)})
        return Trial(self.head, self.answers(changed), self.truth, time.process_time() - began)

    def of_baseline(self, baseline: Baseline, seed: int) -> Trial:
        """Without a micro-model."""
        began = time.process_time()
        given = Given(
            head=self.head,
            labels=self.control.labels,
            labeled=self.labeled,
            frames=self.others,
            boxes=self.boxes,
            seed=seed,
        )
        found = baseline.predict(given)
        return Trial(self.head, found, self.truth, time.process_time() - began)


def folders_of(data: Path, names: Sequence[str]) -> list[Path]:
    """The labelled folders in a folder of a head, or in folders of several heads; with `names`, those whose name holds one."""
    found = sorted(path.parent for path in (*data.glob("*/labels.json"), *data.glob("*/*/labels.json")))
    return [folder for folder in found if not names or any(name in str(folder) for name in names)]
