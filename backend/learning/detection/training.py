"""Overfitting a detection micro-model to the labelled frames of one group."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor

from backend.cancel import CancelToken
from backend.learning.detection.augmentation import Picture, Shares, crops
from backend.learning.detection.candidates import EXACT
from backend.learning.detection.config import Blueprint
from backend.learning.detection.decision import decide
from backend.learning.detection.ensemble import alone
from backend.learning.detection.hard_negatives import find
from backend.learning.detection.head import DetectionNetwork
from backend.learning.detection.initialization import warm
from backend.learning.detection.micro_model import DetectionModel
from backend.learning.detection.plan import plan
from backend.learning.detection.pseudo_labels import picture_of
from backend.learning.detection.recipe import DetectionRecipe
from backend.learning.detection.rotation import turns_of
from backend.learning.fitting.initialization import kind_of
from backend.learning.fitting.loop import begun, overfit
from backend.learning.fitting.session import session
from backend.learning.fitting.trained import Trained
from backend.learning.fitting.training_input import TrainingInput
from backend.learning.fitting.unlabeled import choose, weight_of
from backend.learning.geometry.boxes import ious
from backend.learning.geometry.rotation import upright
from backend.learning.geometry.scaling import to_batch, to_tensor
from backend.types import Frame, LabeledFrame, Weights

MINED = 12
"""Labelled frames at most that are searched for mistakes at once: bounds the time."""
MISTAKEN = 0.08
"""Score from which background counts as mistaken for an object."""
NEAR = 0.3
"""IoU with an object from which a candidate is a bad box rather than a mistake."""
MOST_WRONG = 12
"""Mistakes kept of a frame, the worst ones."""


def train(given: TrainingInput, recipe: DetectionRecipe) -> Trained:
    """Train on the labelled frames, and on unlabelled ones where that is safe."""
    start, labeled, unlabeled = given.start, given.labeled, given.unlabeled
    with session(given) as under_way:
        blueprint, arrays = warm(plan(labeled, given.labels, recipe), start and alone(start))
        pictures = [picture(frame, blueprint, under_way.device, recipe.inexact_box_weight) for frame in labeled]
        labeled = [upright(frame) for frame in labeled]
        network = begun(blueprint, [one.image for one in pictures], arrays, under_way.device)
        course = DetectionCourse(network, blueprint, recipe, under_way.rng, labeled, unlabeled, pictures)
        metrics = overfit(course, recipe, under_way, start=kind_of(start, arrays), wide=len(unlabeled) > 0)
        blueprint = learn_mistakes(network, blueprint, labeled, recipe)
        return under_way.trained(Weights(network.own_state(), blueprint.to_metadata()), metrics)


@dataclass(slots=True, eq=False)
class DetectionCourse:
    """Crops, many of them around objects and around what is taken for one."""

    network: DetectionNetwork
    blueprint: Blueprint
    recipe: DetectionRecipe
    rng: np.random.Generator
    labeled: Sequence[LabeledFrame]
    unlabeled: Sequence[Frame]
    pictures: Sequence[Picture]
    mined: Sequence[Picture] = ()
    """The pictures, with the mistakes that were found in this stage."""

    def loss(self, step: int, steps: int, average: DetectionNetwork) -> Tensor:
        """Of one step's crops; twice in a stage the average network is asked what it takes for objects."""
        if step == 0:
            self.mined = self.pictures
        if self.recipe.mining and step in (steps // 3, 2 * steps // 3):
            self.mined = mine(average, self.mined, self.rng)
        shares = Shares(self.recipe.object_share, self.recipe.hard_share, self.angles)
        batch = crops(self.mined, self.recipe.batch, self.recipe.crop, shares, self.rng)
        images = torch.stack([crop.image for crop in batch]).contiguous(memory_format=torch.channels_last)
        return self.network.head.loss(self.network(images), batch)

    @property
    def angles(self) -> tuple[float, ...]:
        """Of the drawn boxes, radians; none where all are upright."""
        turns = [one.turns for one in self.pictures if one.labelled and one.turns is not None]
        return tuple(map(float, np.concatenate(turns)[:, 2])) if turns else ()

    def widen(self, cancel: CancelToken) -> None:
        """Take in what the network and time agree on in unlabelled frames."""
        known = learn_mistakes(self.network, self.blueprint, self.labeled, self.recipe)
        model = DetectionModel(self.network.settled(), known, self.network.device)
        more = second_hand(model, self.labeled, self.unlabeled, self.recipe, cancel)
        self.pictures = [*self.pictures, *more]


def picture(labeled: LabeledFrame, blueprint: Blueprint, device: torch.device, inexact: float) -> Picture:
    """The frame scaled, with the boxes of known labels that have an area; `inexact` is the weight of accepted ones' sides."""
    pixels, factor = to_tensor(labeled.frame, blueprint.scale)
    drawn = labeled if blueprint.turned else upright(labeled)
    known = [i for i in drawn.instances if i.label in blueprint.labels and i.box[2] > i.box[0] and i.box[3] > i.box[1]]
    return Picture(
        image=pixels.to(device),
        boxes=np.array([i.hull for i in known], np.float32).reshape(-1, 4) * factor,
        classes=np.array([blueprint.labels.index(i.label) for i in known], np.int64),
        outlines=np.array([inexact if i.accepted else EXACT for i in known], np.float32),
        ignored=np.zeros((0, 4), np.float32),
        hard=np.zeros((0, 2), np.float32),
        weight=labeled.weight,
        turns=turns_of(known, factor) if blueprint.turned else None,
    )


def mine(network: DetectionNetwork, pictures: Sequence[Picture], rng: np.random.Generator) -> list[Picture]:
    """The pictures, some of the labelled ones with the places that are wrongly taken for objects."""
    labelled = [i for i, one in enumerate(pictures) if one.labelled]
    chosen = rng.permutation(labelled)[:MINED]
    mined = list(pictures)
    for index in map(int, chosen):
        one = pictures[index]
        with torch.inference_mode():
            [found] = network.head.decode(network(to_batch([one.image])))
        wrong = found.boxes[(found.scores >= MISTAKEN) & (ious(found.boxes, one.boxes).max(1, initial=0) < NEAR)]
        mined[index] = replace(one, hard=(wrong[:MOST_WRONG, :2] + wrong[:MOST_WRONG, 2:]) / 2)
    return mined


def second_hand(
    model: DetectionModel,
    labeled: Sequence[LabeledFrame],
    unlabeled: Sequence[Frame],
    recipe: DetectionRecipe,
    cancel: CancelToken,
) -> list[Picture]:
    """Unlabelled frames with what the network and time agree on; `recipe.pseudo_share` of the weight is theirs."""
    seen, scaled = [], []
    for index in choose(unlabeled, labeled, recipe.pseudo_frames):
        cancel.check()
        one, pixels, factor = model.look(unlabeled[index])
        seen.append(one)
        scaled.append((pixels, factor))
    weight = weight_of(recipe.pseudo_share, sum(one.weight for one in labeled), len(seen))
    return [
        picture_of(decided, pixels, factor, weight, recipe.inexact_box_weight)
        for decided, (pixels, factor) in zip(decide(seen, labeled, model.blueprint), scaled, strict=True)
    ]


def telling(labeled: Sequence[LabeledFrame], most: int) -> list[LabeledFrame]:
    """At most so many of the labelled frames, in which mistakes are looked for: half of them those with the fewest
    objects, where whatever is seen is a mistake; the others spread over the rest."""
    order = sorted(range(len(labeled)), key=lambda i: len(labeled[i].instances))
    bare, rest = order[: most // 2], sorted(order[most // 2 :])
    spread = rest[:: -(-len(rest) // (most - len(bare)))] if rest else []
    return [labeled[i] for i in sorted([*bare, *spread])]


def learn_mistakes(
    network: DetectionNetwork, blueprint: Blueprint, labeled: Sequence[LabeledFrame], recipe: DetectionRecipe
) -> Blueprint:
    """The blueprint, with the places of the labelled frames that fool the network as it is now."""
    if not recipe.hard_negatives:
        return blueprint
    model = DetectionModel(network.settled(), blueprint, network.device)
    frames = telling(labeled, MINED)
    seen = list(model.see(one.frame for one in frames))
    drawn = [np.array([i.box for i in one.instances], np.float32).reshape(-1, 4) for one in frames]
    return replace(blueprint, mistakes=find([one.candidates for one in seen], drawn, [one.size for one in seen]))
