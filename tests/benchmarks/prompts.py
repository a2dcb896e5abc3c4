"""One object from one prompt: IoU and seconds on labelled groups, with simulated boxes and clicks, without Label Studio.

    python -m tests.benchmarks.prompts ../shared/data/segmentation [--only NAME ...] --labels 0 [--frames 8] [--objects 3]
    python -m tests.benchmarks.prompts ../shared/data/detection --labels 5 --keep FOLDER
    python -m tests.benchmarks.prompts ../shared/data/segmentation --labels 0 --checkpoint sam_vit_b_01ec64.pth

Of each of some frames, evenly spread, some objects are asked for: connected parts of a mask of 0.1 % of the frame or
more, boxes, or posed objects. A box around a mask is jittered by a tenth of its sides, any other one until its IoU with the
truth is about 0.5. The first click is at the point farthest from the edge, each next one at that of the largest error. With
labels, a micro-model is trained on so many frames, evenly spread, and predicts the others, once where `--keep` names a
folder; `ordinary` is what it says of the object without a prompt. With a checkpoint segment-anything answers first. The time
to answer is the 95th percentile of an answer's CPU seconds, in looks: so long as the frozen network takes for one part of a
frame in the same run. Ends with the means of both halves of the groups (`kinds.py`): what is chosen on one half is to be
reported on the other.
"""

import argparse
import pickle
import time
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

from backend.learning import methods
from backend.learning.prompting import fallback_chain, sam
from backend.learning.prompting.click_memory import ClickMemory
from backend.learning.prompting.crop import cut
from backend.learning.prompting.pick import iou, overlap
from backend.types import Frame, Head, Instance, Keypoint, Mask, Prediction, Prompt, Weights
from tests.benchmarks.group import parser
from tests.benchmarks.kinds import half_of
from tests.benchmarks.simulated_prompts import JITTER, middle, next_click, objects, rough, rough_half
from tests.benchmarks.trial import BACKBONE, Clip

NEAR = 0.1
"""Distance from the truth, in diagonals of the object's box, up to which a point is right."""


@dataclass
class Measured:
    """Figures of one group by name."""

    values: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    seconds: list[float] = field(default_factory=list)
    """CPU seconds of each answer: what else the machine does counts little."""
    look: float = 1.0
    """CPU seconds of one look at a part of a frame."""

    @property
    def looks(self) -> float:
        """The 95th percentile of the time to answer, in looks."""
        return float(np.percentile(self.seconds, 95)) / self.look

    def mean(self, name: str) -> float:
        return float(np.mean(self.values[name])) if self.values[name] else float("nan")

    def ask(self, frame: Frame, prompt: Prompt, context: fallback_chain.PromptContext) -> Instance | None:
        began = time.process_time()
        found = fallback_chain.answer(frame, prompt, context)
        self.seconds.append(time.process_time() - began)
        return None if found is None else found.instance


@dataclass(frozen=True, slots=True, eq=False)
class Case:
    """One object in one frame, and who answers prompts on it."""

    frame: Frame
    truth: Instance
    context: fallback_chain.PromptContext
    ordinary: Prediction | None
    rng: np.random.Generator

    @property
    def size(self) -> tuple[int, int]:
        return self.frame.width, self.frame.height


def masks(case: Case, measured: Measured) -> None:
    """One box; one click and two more in the largest errors."""
    truth, empty = case.truth.mask, np.zeros((case.frame.height, case.frame.width), bool)
    assert truth is not None

    def ask(prompt: Prompt) -> Mask:
        found = measured.ask(case.frame, prompt, case.context)
        return empty if found is None or found.mask is None else found.mask

    measured.values["box"].append(iou(ask(Prompt(box=rough(case.truth.box, case.size, JITTER, case.rng))), truth))
    prompt, clicked = Prompt(inside=(middle(truth),)), list[float]()
    for _ in range(3):
        found = ask(prompt)
        clicked.append(iou(found, truth))
        if not (truth ^ found).any():
            break
        prompt = next_click(prompt, truth, found)
    measured.values["1 click"].append(clicked[0])
    measured.values["3 clicks"].append(clicked[-1])
    if case.ordinary is not None:
        parts = [part for part in objects(case.ordinary.instances) if part.label == case.truth.label]
        best = max((iou(part.mask, truth) for part in parts if part.mask is not None), default=0.0)
        measured.values["ordinary"].append(best)


def boxes(case: Case, measured: Measured) -> None:
    """A rough box; a click at the middle."""
    drawn, true = rough_half(case.truth.box, case.size, case.rng), case.truth.box
    snapped = measured.ask(case.frame, Prompt(box=drawn), case.context)
    clicked = measured.ask(
        case.frame, Prompt(inside=(((true[0] + true[2]) / 2, (true[1] + true[3]) / 2),)), case.context
    )
    measured.values["drawn"].append(overlap(drawn, true))
    for name, found in (("box", snapped), ("1 click", clicked)):
        measured.values[name].append(overlap(found.box, true) if found else 0.0)
    if case.ordinary is not None:
        same = [overlap(one.box, true) for one in case.ordinary.instances if one.label == case.truth.label]
        measured.values["ordinary"].append(max(same, default=0.0))


def points(case: Case, measured: Measured) -> None:
    """A rough box, and what the true box would give."""
    drawn = rough_half(case.truth.box, case.size, case.rng)
    for name, box in (("box", drawn), ("true box", case.truth.box)):
        found = measured.ask(case.frame, Prompt(box=box), case.context)
        measured.values[name] += _right(found.keypoints if found else (), case.truth)


def _right(found: Sequence[Keypoint], truth: Instance) -> list[float]:
    """Of each true point, 1 where it was found next to where it is, else 0."""
    places, (x0, y0, x1, y1) = {point.label: (point.x, point.y) for point in found}, truth.box
    limit = NEAR * float(np.hypot(x1 - x0, y1 - y0))
    apart = (np.hypot(*np.subtract(places.get(p.label, (np.inf, np.inf)), (p.x, p.y))) for p in truth.keypoints)
    return [float(distance <= limit) for distance in apart]


def trained(clip: Clip, name: str, args: argparse.Namespace) -> tuple[Weights, Sequence[Prediction]]:
    """A micro-model of the labelled frames and its ordinary predictions; kept by name where a folder is named."""
    kept = args.keep and args.keep / f"{name}.{args.labels}.pickle"
    if kept and kept.exists():
        found: tuple[Weights, Sequence[Prediction]] = pickle.loads(kept.read_bytes())
        return found
    weights = clip.trained(clip.recipe(args.effort), 0)
    predictions = clip.answers(weights)
    if kept:
        kept.write_bytes(pickle.dumps((weights, predictions)))
    return weights, predictions


def look_seconds(frame: Frame) -> float:
    """CPU seconds that the frozen network takes for one part of a frame."""
    taken = list[float]()
    for _ in range(5):
        began = time.process_time()
        cut(frame, (0, 0, frame.width, frame.height), BACKBONE)
        taken.append(time.process_time() - began)
    return float(np.median(taken))


def measure(folder: Path, args: argparse.Namespace) -> Measured:
    """The figures of one group."""
    clip, measured, rng = Clip(folder, args.labels or 1), Measured(), np.random.default_rng(0)
    context = fallback_chain.PromptContext(clip.head, "", BACKBONE, memory=ClickMemory())
    ordinary = dict[int, Prediction]()
    if args.labels:
        weights, predictions = trained(clip, f"{clip.head}-{folder.name}", args)
        ordinary = {one.task: one for one in predictions}
        context = replace(context, model=methods.load(weights, "cpu"))
    if args.checkpoint:
        context = replace(context, sam=sam.load(args.checkpoint, "auto", encoder=True))
    labelled = [one.frame.task for one in clip.labeled] if args.labels else []
    shown = [at for at in clip.group.indices if clip.group.truth(at) and at not in labelled]
    one_by_one = {Head.SEGMENTATION: masks, Head.DETECTION: boxes, Head.POSE: points}[clip.head]
    for at in [shown[round(place)] for place in np.linspace(0, len(shown) - 1, args.frames)]:
        frame, there = clip.group[clip.group.indices.index(at)], list(objects(clip.group.truth(at)))
        said = ordinary.get(at)
        here = replace(context, predicted=said.instances if said else None)
        here = replace(here, embedding=here.sam.embed(frame)) if here.sam else here
        for number in rng.choice(len(there), min(args.objects, len(there)), replace=False):
            truth = there[number]
            one_by_one(Case(frame, truth, replace(here, label=truth.label), said, rng), measured)
    measured.look = look_seconds(clip.labeled[0].frame)
    return measured


def main() -> None:
    options = parser(__doc__)
    options.add_argument("--frames", type=int, default=8)
    options.add_argument("--objects", type=int, default=3)
    options.add_argument("--effort", type=float, default=1.0)
    options.add_argument("--keep", type=Path, help="folder of micro-models that are trained once")
    options.add_argument("--checkpoint", type=Path, help="of segment-anything or MobileSAM")
    args = options.parse_args()
    halves: dict[int, list[Measured]] = {0: [], 1: []}
    for folder in sorted(path.parent for path in args.data.glob("*/labels.json")):
        if args.only and folder.name not in args.only:
            continue
        measured = measure(folder, args)
        halves[half_of(Head(folder.parent.name), folder.name)].append(measured)
        figures = "  ".join(f"{name} {measured.mean(name):.3f}" for name in sorted(measured.values))
        print(f"{folder.name:22} {figures}  p95 {measured.looks:.1f} looks of {measured.look:.3f} s", flush=True)
    for name, found in (("half A", halves[0]), ("half B", halves[1]), ("all", halves[0] + halves[1])):
        names = sorted({key for one in found for key in one.values})
        print(name, "  ".join(f"{key} {np.mean([one.mean(key) for one in found]):.3f}" for key in names))


if __name__ == "__main__":
    main()
