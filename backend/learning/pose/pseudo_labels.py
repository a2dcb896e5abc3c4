"""Second-hand labels: keypoints that a half-trained network is sure of, in frames that nobody labelled."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from torch import Tensor

from backend.cancel import CancelToken
from backend.learning.fitting.training_input import FindBoxes
from backend.learning.fitting.unlabeled import Selection, choose, weight_of
from backend.learning.geometry.scaling import to_tensor
from backend.learning.pose.micro_model import Found, PoseModel
from backend.learning.pose.recipe import PoseRecipe
from backend.learning.pose.sample import Sample, hull, sample_of
from backend.learning.pose.scene import Scene, scene_of
from backend.types import Frame, LabeledFrame

SURE = 0.5
"""Confidence from which a predicted keypoint is learned from."""
MOST = 0.6
"""Share of an object's keypoints that must be sure for any of it to be learned."""


def second_hand(
    model: PoseModel,
    labeled: Sequence[LabeledFrame],
    unlabeled: Sequence[Frame],
    find_boxes: FindBoxes | None,
    recipe: PoseRecipe,
    cancel: CancelToken,
) -> tuple[list[Sample], list[Scene]]:
    """Objects and frames to learn from; `recipe.pseudo_share` of the weight is theirs."""
    samples, scenes = list[Sample](), list[Scene]()
    chosen = Selection(unlabeled, choose(unlabeled, labeled, recipe.pseudo_frames))
    boxes = find_boxes(chosen) if find_boxes is not None and model.blueprint.parented else {}
    for frame in chosen:
        cancel.check()
        found = model.look(frame, boxes.get(frame.task, ()))
        sure = [one for one in found if np.mean(one.scores >= SURE) >= MOST]
        if not sure:
            continue
        image, factor = to_tensor(frame, model.blueprint.fine)
        samples += [_sample(one, image.to(model.device), factor, model) for one in sure]
        if not model.blueprint.parented and len(sure) == len(found):
            points = [one.points[one.scores >= SURE] for one in sure]
            scenes.append(replace(scene_of(frame, points, model.blueprint, model.device), exact=False))
    objects = weight_of(recipe.pseudo_share, sum(f.weight * len(f.instances) for f in labeled), len(samples))
    frames = weight_of(recipe.pseudo_share, sum(f.weight for f in labeled), len(scenes))
    return [replace(s, weight=objects) for s in samples], [replace(s, weight=frames) for s in scenes]


def _sample(found: Found, image: Tensor, factor: float, model: PoseModel) -> Sample:
    """What the network is sure of, as if a person had drawn it."""
    sure = found.scores >= SURE
    box = found.around.box if model.blueprint.parented else hull(found.points[sure])
    sample = sample_of(image, factor, box, found.points, np.ones(len(sure), bool), model.blueprint)
    return replace(sample, trust=sure.astype(float))
