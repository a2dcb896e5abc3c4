"""Quality against seconds: each group trained with a share of its recipe's steps, or a multiple, without Label Studio.

    python -m tests.benchmarks.efforts ../shared/data/detection [--only NAME ...] [--efforts 0.25 0.5 1 2] [--labels 5]

Seconds are those from the labels to the predictions of all other frames; within one run they compare.
"""

import argparse
from pathlib import Path

from tests.benchmarks.group import parser, run
from tests.benchmarks.starts import Clip, trained

EFFORTS = (0.25, 0.5, 1.0, 2.0)


def measure(folder: Path, args: argparse.Namespace, seed: int) -> dict[str, float]:
    clip, row = Clip(folder, args.changes), dict[str, float]()
    for effort in args.efforts:
        _, score, seconds = trained(clip, args.labels, None, seed, effort)
        row |= {f"x{effort:g}": score or 0.0, f"x{effort:g}_s": seconds}
    return row


def main() -> None:
    options = parser(__doc__)
    options.add_argument("--efforts", nargs="*", type=float, default=EFFORTS)
    run(options.parse_args(), measure)


if __name__ == "__main__":
    main()
