"""Exported micro-models beside our own: how far their answers are from ours, and how long each takes.

    python -m tests.benchmarks.exported ../shared/data --cache /tmp/exported [--only masks ...] [--frames 20]

One group is trained for each kind of graph, once: with `--cache` its micro-model is kept there. Frames that were not labelled
are asked one by one, without their neighbours in time, of our network in float32 and of the graph under onnxruntime, each on
one thread. With `--as-served` ours computes as it does in the server, in bfloat16 where the machine has it.
"""

import argparse
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any
from unittest import mock

import numpy as np
import torch

from backend.learning import methods
from backend.learning.fitting.training_input import TrainingInput
from backend.learning.method import Method
from backend.learning.points.method import METHOD as POINTS
from backend.objects.card import Card
from backend.objects.files import load
from backend.objects.micro_model import MicroModel
from backend.types import Control, Frame, Head, Weights
from tests.benchmarks.group import Group, chosen
from tests.benchmarks.points import Centres
from tests.benchmarks.pose import PoseGroup
from tests.benchmarks.turned import Rolled
from tests.learning.exporting.answers import Difference, Session, difference

LABELLED = 5
ENSEMBLES = {"otb_dragonbaby"}
"""Groups that two trainings speak of, as from the second one of a group on."""
GROUPS: dict[str, tuple[str, Callable[[Path], Group]]] = {
    "classes": ("classification/mirror_obstacle", Group),
    "boxes": ("detection/otb_dragonbaby", Group),
    "masks": ("segmentation/davis_blackswan", Group),
    "points": ("pose/mouse_openfield", PoseGroup),
    "points in boxes": ("pose/flies_pair", PoseGroup),
    "any number of points": ("detection/nuclei_many", Centres),
    "turned boxes": ("detection/tud_campus", Rolled),
    "boxes before a background": ("detection/highway_gaps", Group),
    "masks of slices": ("segmentation/la_mri_a", Group),
}
"""{kind of graph: folder, how it is read}."""


def method_of(group: Group, control: Control) -> Method[Any]:
    return POINTS if isinstance(group, Centres) else methods.method_for(control)


def trained(group: Group, effort: float) -> MicroModel:
    """On a few labelled frames."""
    head = Head(group.folder.parent.name)
    control = Control("label", "image", "", head, group.data_set.classes, "image")
    method, at = method_of(group, control), chosen(group, LABELLED)
    given = TrainingInput(
        labeled=[group.labeled(i) for i in at], unlabeled=group.without(at), labels=control.labels, device="cpu"
    )
    recipe = method.recipe_for(control, "tf_efficientnet_lite0", effort)
    weights = method.train(given, recipe).weights
    if group.folder.name in ENSEMBLES:
        weights = method.ensemble(weights, method.train(replace(given, seed=1), recipe).weights)
    return MicroModel(weights, Card(group=group.folder.name, control="label", labelled=len(at)))


def kept(name: str, group: Group, args: argparse.Namespace) -> MicroModel:
    """The group's micro-model, trained where the cache has none."""
    path = args.cache / f"{name}.mm"
    if not path.exists():
        trained(group, args.effort).save(path)
    found = load(path)
    assert isinstance(found, MicroModel)
    return found


def asked(group: Group, most: int) -> list[Frame]:
    """Frames that nobody labelled, evenly spread, each by itself."""
    others = group.without(chosen(group, LABELLED))
    at = np.unique(np.linspace(0, len(others) - 1, most).round().astype(int))
    return [replace(others[int(i)], order=None) for i in at]


def measure(name: str, group: Group, args: argparse.Namespace) -> str:
    model, path = kept(name, group, args), args.cache / f"{name}.onnx"
    if not path.exists() or args.again:
        model.export(path)
    session = Session(path)
    own = loaded(model.weights, args.as_served)
    found, seconds = list[Difference](), np.zeros(2)
    for frame in asked(group, args.frames):
        boxes = group.truth(frame.task) if group.parented else None
        began = time.process_time()
        [here] = own.predict([frame], (), None if boxes is None else {frame.task: boxes})
        middle = time.process_time()
        there = session(frame.image, boxes)
        seconds += middle - began, time.process_time() - middle
        found.append(difference(here.instances, there))
    return row(name, group, found, seconds / len(found), path)


def loaded(weights: Weights, as_served: bool) -> Any:
    """In float32, as graphs compute, unless as served."""
    if as_served:
        return methods.load(weights, "cpu")
    with mock.patch.object(torch.cpu, "get_capabilities", dict):
        return methods.load(weights, "cpu")


def row(name: str, group: Group, found: Sequence[Difference], seconds: Any, path: Path) -> str:
    """Of the table in this folder's README."""
    all_of = [np.concatenate([getattr(one, column) for one in found]) for column in ("pixels", "scores", "overlaps")]
    pixels, scores, overlaps = all_of
    worst = [f"{pixels.max(initial=0):.3f}", f"{scores.max(initial=0):.4f}"]
    worst.append(f"{overlaps.min():.4f}" if len(overlaps) else "")
    only = f"{sum(one.only_here for one in found)} + {sum(one.only_there for one in found)}"
    cells = [name, group.folder.name, str(len(found)), str(len(pixels)), only, *worst]
    cells += [f"{1000 * one:.0f}" for one in seconds] + [f"{path.stat().st_size / 1e6:.1f}"]
    return "| " + " | ".join(cells) + " |"


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("data", type=Path)
    options.add_argument("--cache", type=Path, required=True)
    options.add_argument("--only", nargs="*", default=[])
    options.add_argument("--frames", type=int, default=20)
    options.add_argument("--effort", type=float, default=0.12)
    options.add_argument("--as-served", action="store_true")
    options.add_argument("--again", action="store_true", help="export also what the cache has")
    args = options.parse_args()
    torch.set_num_threads(1)
    args.cache.mkdir(parents=True, exist_ok=True)
    print(
        "| kind | group | frames | objects | only ours + only the graph's | worst px | worst score | least J ", end=""
    )
    print("| ours ms | graph ms | MB |")
    for name, (folder, read) in GROUPS.items():
        if not args.only or name in args.only:
            print(measure(name, read(args.data / folder), args), flush=True)


if __name__ == "__main__":
    main()
