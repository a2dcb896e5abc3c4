"""A clip of two shots: one micro-model for all of it against one for each shot, joined by `by_time`.

    python -m tests.benchmarks.by_time ../shared/data/detection/tud_campus ../shared/data/detection/pets_s3mf1

As many frames of each shot as asked for, evenly spread, are labelled; the one model learns all of them, each of the two those
of its shot. All other frames are predicted, each by itself, and compared with the labels. Where the cut lies is said by `cuts`,
which looks at all frames.
"""

import argparse
import time
from collections.abc import Sequence
from pathlib import Path

from backend.instances import Instances
from backend.learning.fitting.training_input import evenly_spread
from backend.objects.comparing import compare
from backend.objects.cuts import cuts
from backend.objects.fitting import fit
from backend.objects.micro_model import MicroModel
from backend.objects.routing import by_time
from tests.benchmarks.group import Group

Shot = Sequence[tuple[Path, Instances]]


def shot_of(folder: Path) -> Shot:
    frames = Group(folder).data_set.frames
    return [(one.path, Instances.of(one.truth or ())) for one in frames]


def split(shot: Shot, labels: int) -> tuple[Shot, Shot]:
    """(labelled frames, others)."""
    at = set(evenly_spread(len(shot), labels))
    return [shot[n] for n in sorted(at)], [one for n, one in enumerate(shot) if n not in at]


def learnt(name: str, labeled: Shot, others: Shot, effort: float) -> MicroModel:
    began = time.process_time()
    model = fit(
        [one for one, _ in labeled], [one for _, one in labeled], rest=[one for one, _ in others], effort=effort
    )
    print(f"{name}: {len(labeled)} labelled frames, {time.process_time() - began:.0f} CPU s", flush=True)
    return model


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("shots", nargs=2, type=Path)
    parser.add_argument("--labels", type=int, default=5)
    parser.add_argument("--effort", type=float, default=1.0)
    args = parser.parse_args()
    shots = [shot_of(folder) for folder in args.shots]
    print("cuts:", cuts([path for shot in shots for path, _ in shot]), "true:", len(shots[0]), flush=True)
    (first, rest), (second, more) = (split(shot, args.labels) for shot in shots)
    pieces = learnt("first shot", first, rest, args.effort), learnt("second shot", second, more, args.effort)
    whole = learnt("all", [*first, *second], [*rest, *more], args.effort)
    models = {
        "one model": whole,
        "two pieces": by_time({(0, len(rest)): pieces[0], (len(rest), None): pieces[1]}),
    }
    others = [*rest, *more]
    print(compare(models, [path for path, _ in others], [one for _, one in others]), flush=True)
    for name, some, start in (("first shot", rest, 0), ("second shot", more, 1)):
        each = {"one model": whole, "its piece": pieces[start]}
        print(name, compare(each, [path for path, _ in some], [one for _, one in some]), sep="\n", flush=True)


if __name__ == "__main__":
    main()
