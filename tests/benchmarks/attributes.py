"""Accuracy and seconds of micro-models of regions' classes, on the boxes of labelled groups, by rules that give the classes.

    python -m tests.benchmarks.attributes ../shared/data/pose/flies_pair ../shared/data/detection/tud_campus ...

`side` is the half of the frame that a box's middle lies in; `shape` whether it is higher than wide; `heading` which way the
first point lies from the fourth (head and abdomen of flies). As many frames as asked for, evenly spread, are labelled; the
boxes of all others are given, and their classes predicted.
"""

import argparse
import time
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path

from backend.learning.attributes.evaluation import evaluate
from backend.learning.attributes.method import METHOD
from backend.learning.attributes.recipe import AttributeRecipe
from backend.learning.fitting.training_input import TrainingInput, evenly_spread
from backend.types import Instance, LabeledFrame
from tests.benchmarks.group import Group

Rule = Callable[[Instance, int], str | None]
"""(what is in a box, the frame's width) -> its class; None: it has none."""


def side(one: Instance, width: int) -> str:
    return "left" if (one.box[0] + one.box[2]) / 2 < width / 2 else "right"


def shape(one: Instance, width: int) -> str:
    x0, y0, x1, y1 = one.box
    return "standing" if y1 - y0 > x1 - x0 else "lying"


def heading(one: Instance, width: int) -> str | None:
    places = {point.label: point for point in one.keypoints}
    head, tail = places.get("head"), places.get("abdomen")
    return None if head is None or tail is None else "left" if head.x < tail.x else "right"


RULES: Mapping[str, Rule] = {"side": side, "shape": shape, "heading": heading}


def classed(frame: LabeledFrame, rule: Rule) -> LabeledFrame:
    said = ((n, one, rule(one, frame.frame.width)) for n, one in enumerate(frame.instances))
    return replace(frame, instances=tuple(replace(o, label=c, region_id=f"r{n}") for n, o, c in said if c))


def measure(folder: Path, name: str, labels: int) -> str:
    group = Group(folder, ordered=True)
    frames = [classed(group.labeled(n), RULES[name]) for n in range(len(group.data_set.frames))]
    counts = Counter(one.label for frame in frames for one in frame.instances)
    if len(counts) < 2:
        return f"{folder.name} {name}: all are {', '.join(counts) or 'without a class'}"
    at = set(evenly_spread(len(frames), labels))
    labeled, others = [frames[n] for n in sorted(at)], [one for n, one in enumerate(frames) if n not in at]
    began = time.process_time()
    trained = METHOD.train(
        TrainingInput(labeled=labeled, labels=tuple(sorted(counts)), device="cpu"), AttributeRecipe()
    )
    middle = time.process_time()
    boxes = {one.frame.task: one.instances for one in others}
    found = METHOD.load(trained.weights, "cpu").predict([one.frame for one in others], (), boxes)
    ended, quality = time.process_time(), evaluate(found, others)
    usual = max(counts.values()) / sum(counts.values())
    return (
        f"{folder.name} {name}: accuracy {quality.accuracy:.3f} of {quality.regions} regions in {len(others)} frames "
        f"(the usual class: {usual:.3f}); {middle - began:.1f} s, {1000 * (ended - middle) / max(quality.regions, 1):.0f} ms each"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folders", nargs="+", type=Path)
    parser.add_argument("--rules", nargs="+", choices=RULES, default=list(RULES))
    parser.add_argument("--labels", type=int, default=5)
    args = parser.parse_args()
    for folder in args.folders:
        for name in args.rules:
            print(measure(folder, name, args.labels), flush=True)


if __name__ == "__main__":
    main()
