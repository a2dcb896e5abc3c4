"""Quality against seconds: each group trained with a share of its recipe's steps, or a multiple, without Label Studio.

    python -m tests.benchmarks.efforts ../shared/data/detection [--only NAME ...] [--efforts 0.25 0.5 1 2] [--labels 5]

Seconds are those from the labels to the predictions of all other frames; within one run they compare.
"""

import argparse

from backend.learning import threads
from tests.benchmarks.group import parser
from tests.benchmarks.starts import Clip, trained

EFFORTS = (0.25, 0.5, 1.0, 2.0)


def measure(clip: Clip, args: argparse.Namespace, seed: int) -> None:
    for effort in args.efforts:
        _, score, seconds = trained(clip, args.labels, None, seed, effort)
        shown = "    -" if score is None else f"{score:.3f}"
        print(f"{clip.name:20} {seed} effort {effort:5.2f}  {shown}  {seconds:5.0f} s", flush=True)


def main() -> None:
    options = parser(__doc__)
    options.add_argument("--efforts", nargs="*", type=float, default=EFFORTS)
    args = options.parse_args()
    threads.use_threads(args.threads)
    for folder in sorted(p for p in args.data.iterdir() if (p / "labels.json").exists()):
        if not args.only or any(name in folder.name for name in args.only):
            for seed in args.seeds:
                measure(Clip(folder, args.changes), args, seed)


if __name__ == "__main__":
    main()
