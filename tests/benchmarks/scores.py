"""How well a frame's score tells right predictions from wrong ones, and how honest it is, on labelled groups.

    python -m tests.benchmarks.scores ../shared/data [--groups NAME ...] [--seeds 0 1] [--effort 0.5]

Five frames (of classes, five of each) are labelled, all others predicted. A frame is right where a person would leave it as
it is: every box at IoU 0.5 and none too many, J of 0.8, every keypoint within a tenth of the object, the exact classes. One
table has the AUC of the frames' scores for each group, with the score as it is and without the counts of objects in it; one for
each head is the reliability diagram: of the frames whose score is in a tenth, how many are right.
"""

import argparse
from collections import defaultdict
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path
from unittest.mock import patch

import numpy as np
import torch

from backend.types import Head
from tests.benchmarks.trial import Clip, Trial, folders_of

COUNTED = ("detection.decision", "segmentation.micro_model", "pose.micro_model")
"""Modules of `backend.learning` that ask how probable it is that a frame holds no more."""


@contextmanager
def without_counts() -> Iterator[None]:
    """As if nothing were known of how many objects there are."""
    with ExitStack() as stack:
        for name in COUNTED:
            stack.enter_context(patch(f"backend.learning.{name}.no_more", lambda *_: 1.0))
        yield


def measured(folder: Path, seed: int, effort: float) -> tuple[Trial, Trial]:
    """(with the counts in the score, without): two predictions of one training."""
    clip = Clip(folder, seed=seed)
    with_counts = list[Trial]()
    load = clip.method.restore

    def predicted_twice(weights: object, device: str) -> object:
        model = load(weights, device)  # type: ignore[arg-type]
        with without_counts():
            found = model.predict(clip.others, clip.labeled, clip.boxes)
        with_counts.append(Trial(clip.head, found, clip.truth, 0.0))
        return model

    clip.method = replace(clip.method, restore=predicted_twice)  # type: ignore[arg-type]
    trial = clip.tried(clip.recipe(effort), seed)
    return trial, with_counts[0]


def reliability(trials: list[Trial]) -> str:
    """A table: frames by tenths of their score."""
    scores = np.concatenate([[p.score for p in one.predictions] for one in trials])
    right = np.concatenate([one.right for one in trials]).astype(float)
    rows = ["| score | frames | mean score | right |", "| --- | --- | --- | --- |"]
    tenth = np.minimum((scores * 10).astype(int), 9)
    for at in range(10):
        own = tenth == at
        if own.any():
            rows.append(
                f"| {at / 10:.1f}-{at / 10 + 0.1:.1f} | {own.sum()} | {scores[own].mean():.2f} | {right[own].mean():.2f} |"
            )
    return "\n".join(rows)


def shown(value: float | None) -> str:
    return "-" if value is None else f"{value:.3f}"


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("data", type=Path)
    options.add_argument("--groups", nargs="*", default=[])
    options.add_argument("--seeds", type=int, nargs="*", default=[0])
    options.add_argument("--effort", type=float, default=1.0)
    args = options.parse_args()
    torch.set_num_threads(1)
    by_head = defaultdict[Head, list[Trial]](list)
    print("| group | seed | quality | frames right | AUC | AUC without counts |")
    print("| --- | --- | --- | --- | --- | --- |")
    for folder in folders_of(args.data, args.groups):
        for seed in args.seeds:
            trial, plain = measured(folder, seed, args.effort)
            by_head[trial.head].append(trial)
            share = f"{np.mean(trial.right):.2f}"
            row = (folder.name, str(seed), shown(trial.quality), share, shown(trial.auc), shown(plain.auc))
            print(f"| {' | '.join(row)} |", flush=True)
    for head, trials in by_head.items():
        print(f"\n{head}\n\n{reliability(trials)}", flush=True)


if __name__ == "__main__":
    main()
