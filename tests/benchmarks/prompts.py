"""One object from one prompt: IoU and seconds on labelled groups, with simulated boxes and clicks, without Label Studio.

    python -m tests.benchmarks.prompts ../shared/data/segmentation [--only NAME ...] --labels 0 [--frames 8] [--objects 3]
    python -m tests.benchmarks.prompts ../shared/data/detection --labels 5

Of each of some frames, evenly spread, some objects are asked for: connected parts of a mask of 0.1 % of the frame or
more, or boxes. A box around a mask is jittered by a tenth of its sides, one around a box until its IoU with the truth is
about 0.5. The first click is at the point farthest from the edge, each next one at that of the largest error. With
labels, a micro-model is trained on so many frames, evenly spread, and predicts the others; `ordinary` is what it says of
the object without a prompt. The table ends with the means of both halves of the groups, in the alphabet's order: what is chosen
on one half is to be reported on the other.
"""

import argparse
import time
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import cv2
import numpy as np

from backend.learning import methods
from backend.learning.detection import training as detection
from backend.learning.detection.recipe import DetectionRecipe
from backend.learning.fitting.training_input import TrainingInput
from backend.learning.geometry.boxes import mask_bounds
from backend.learning.prompting import fallback_chain
from backend.learning.prompting.pick import iou, overlap
from backend.learning.segmentation import training as segmentation
from backend.learning.segmentation.recipe import SegmentationRecipe
from backend.types import Box, Frame, Head, Instance, Mask, Prediction, Prompt
from tests.benchmarks.group import Group, chosen, parser

SMALLEST = 0.001
"""Share of the frame from which a part of a mask is an object that somebody points at."""
JITTER = 0.1
"""Of a box around a mask, in shares of its sides."""
ROUGH = 0.5
"""IoU with the truth of a rough box around a box."""


@dataclass
class Measured:
    """Figures of one group by name."""

    values: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    seconds: list[float] = field(default_factory=list)

    def mean(self, name: str) -> float:
        return float(np.mean(self.values[name])) if self.values[name] else float("nan")


@dataclass(frozen=True)
class Trained:
    """What five labels give."""

    wanted: fallback_chain.PromptContext
    ordinary: dict[int, Prediction]
    labelled: list[int]


def objects(truth: tuple[Instance, ...]) -> Iterator[Instance]:
    for one in truth:
        if one.mask is None:
            yield one
            continue
        count, parts, stats, _ = cv2.connectedComponentsWithStats(one.mask.astype(np.uint8))
        for part in range(1, count):
            if stats[part, cv2.CC_STAT_AREA] >= SMALLEST * one.mask.size:
                mask = parts == part
                yield Instance(one.label, mask_bounds(mask), mask=mask)


def rough(box: Box, size: tuple[int, int], jitter: float, rng: np.random.Generator) -> Box:
    sides = np.array([box[2] - box[0], box[3] - box[1]] * 2)
    moved = np.clip(np.array(box) + rng.uniform(-jitter, jitter, 4) * sides, 0, [*size, *size])
    return float(moved[0]), float(moved[1]), float(moved[2]), float(moved[3])


def rough_half(box: Box, size: tuple[int, int], rng: np.random.Generator) -> Box:
    """A box whose IoU with this one is within 0.05 of a half."""
    while True:
        tried = rough(box, size, rng.uniform(0.1, 0.5), rng)
        if abs(overlap(tried, box) - ROUGH) < 0.05:
            return tried


def middle(mask: Mask) -> tuple[float, float]:
    """The point that is farthest from the edge."""
    distance = cv2.distanceTransform(np.pad(mask, 1).astype(np.uint8), cv2.DIST_L2, 5)[1:-1, 1:-1]
    row, column = np.unravel_index(int(distance.argmax()), distance.shape)
    return float(column) + 0.5, float(row) + 0.5


def next_click(prompt: Prompt, truth: Mask, found: Mask) -> Prompt:
    """One more click, in the largest error."""
    missed, extra = truth & ~found, found & ~truth
    largest = [max(cv2.connectedComponentsWithStats(e.astype(np.uint8))[2][1:, 4], default=0) for e in (missed, extra)]
    if largest[0] >= largest[1]:
        return Prompt(inside=(*prompt.inside, middle(missed)), outside=prompt.outside)
    return Prompt(inside=prompt.inside, outside=(*prompt.outside, middle(extra)))


def masks(
    frame: Frame, truth: Instance, wanted: fallback_chain.PromptContext, measured: Measured, rng: np.random.Generator
) -> None:
    assert truth.mask is not None
    size = frame.width, frame.height
    box = ask(frame, Prompt(box=rough(truth.box, size, JITTER, rng)), wanted, measured)
    measured.values["box"].append(iou(box, truth.mask))
    prompt = Prompt(inside=(middle(truth.mask),))
    for number in (1, 2, 3):
        found = ask(frame, prompt, wanted, measured)
        if number in (1, 3):
            measured.values[f"{number} click"].append(iou(found, truth.mask))
        if not (truth.mask ^ found).any():
            measured.values["3 click"] += [1.0] * (number < 3)
            break
        prompt = next_click(prompt, truth.mask, found)


def ask(frame: Frame, prompt: Prompt, wanted: fallback_chain.PromptContext, measured: Measured) -> Mask:
    began = time.perf_counter()
    found = fallback_chain.answer(frame, prompt, wanted)
    measured.seconds.append(time.perf_counter() - began)
    empty = np.zeros((frame.height, frame.width), bool)
    return empty if found is None or found.instance.mask is None else found.instance.mask


def boxes(
    frame: Frame, truth: Instance, wanted: fallback_chain.PromptContext, measured: Measured, rng: np.random.Generator
) -> None:
    size = frame.width, frame.height
    drawn, began = rough_half(truth.box, size, rng), time.perf_counter()
    found = fallback_chain.answer(frame, Prompt(box=drawn), wanted)
    measured.seconds.append(time.perf_counter() - began)
    measured.values["drawn"].append(overlap(drawn, truth.box))
    measured.values["box"].append(overlap(found.instance.box, truth.box) if found else 0.0)
    x0, y0, x1, y1 = truth.box
    clicked = fallback_chain.answer(frame, Prompt(inside=(((x0 + x1) / 2, (y0 + y1) / 2),)), wanted)
    measured.values["1 click"].append(overlap(clicked.instance.box, truth.box) if clicked else 0.0)


def trained(group: Group, labels: int, effort: float) -> Trained:
    """A micro-model of some labelled frames, or none."""
    head, backbone = group.data_set.head, DetectionRecipe().backbone
    wanted = fallback_chain.PromptContext(head, group.data_set.classes[0], backbone)
    if not labels:
        return Trained(wanted, {}, [])
    at = chosen(group, labels)
    labeled, others = [group.labeled(i) for i in at], group.without(at)
    given = TrainingInput(labeled=labeled, unlabeled=others, labels=group.data_set.classes, device="cpu")
    if head is Head.DETECTION:
        weights = detection.train(given, DetectionRecipe().with_effort(effort)).weights
    else:
        weights = segmentation.train(given, SegmentationRecipe().with_effort(effort)).weights
    model = methods.load(weights, "cpu")
    ordinary = {p.task: p for p in model.predict(others, labeled)}
    return Trained(
        fallback_chain.PromptContext(head, wanted.label, backbone, model=model, labeled=labeled), ordinary, at
    )


def ordinary_mask(prediction: Prediction | None, truth: Instance) -> float:
    """IoU of the ordinary prediction's part that covers most of the object."""
    parts = [part for part in objects(prediction.instances if prediction else ()) if part.label == truth.label]
    assert truth.mask is not None
    return max((iou(part.mask, truth.mask) for part in parts if part.mask is not None), default=0.0)


def measure(folder: Path, args: argparse.Namespace) -> Measured:
    group, measured, rng = Group(folder), Measured(), np.random.default_rng(0)
    ready = trained(group, args.labels, args.effort)
    shown = [i for i in group.indices if group.truth(i) and i not in ready.labelled]
    for at in [shown[round(place)] for place in np.linspace(0, len(shown) - 1, args.frames)]:
        frame, there = group[group.indices.index(at)], list(objects(group.truth(at)))
        nearest = sorted(ready.wanted.labeled, key=lambda one: abs((one.frame.order or 0) - (frame.order or 0)))
        for number in rng.choice(len(there), min(args.objects, len(there)), replace=False):
            wanted = fallback_chain.PromptContext(
                ready.wanted.head,
                there[number].label,
                ready.wanted.backbone,
                model=ready.wanted.model,
                labeled=nearest[:2],
            )
            if there[number].mask is None:
                boxes(frame, there[number], wanted, measured, rng)
                continue
            masks(frame, there[number], wanted, measured, rng)
            if args.labels:
                measured.values["ordinary"].append(ordinary_mask(ready.ordinary.get(at), there[number]))
    return measured


def main() -> None:
    options = parser(__doc__)
    options.add_argument("--frames", type=int, default=8)
    options.add_argument("--objects", type=int, default=3)
    options.add_argument("--effort", type=float, default=1.0)
    args = options.parse_args()
    folders = [p.parent for p in sorted(args.data.glob("*/labels.json"))]
    halves: dict[int, list[Measured]] = {0: [], 1: []}
    for place, folder in enumerate(folders):
        if args.only and folder.name not in args.only:
            continue
        measured = measure(folder, args)
        halves[place % 2].append(measured)
        figures = "  ".join(f"{name} {measured.mean(name):.3f}" for name in sorted(measured.values))
        print(f"{folder.name:22} {figures}  p95 {np.percentile(measured.seconds, 95):.2f} s", flush=True)
    for place, name in ((0, "one half"), (1, "the other")):
        names = sorted({key for one in halves[place] for key in one.values})
        print(name, "  ".join(f"{key} {np.mean([one.mean(key) for one in halves[place]]):.3f}" for key in names))


if __name__ == "__main__":
    main()
