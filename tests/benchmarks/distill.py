"""A prototype of the production model: a detector of torchvision that learns what a micro-model labelled.

    python -m tests.benchmarks.distill ../shared/data/detection/otb_dragonbaby --out /tmp/distilled [--steps 300]

A micro-model learns five frames and labels the others. What it labelled is exported as COCO, a stretch of every forty frames
left out. torchvision reads that and trains a detector, FCOS on ImageNet's EfficientNet-Lite0; another one learns the five frames
alone, by as many steps. Both are measured on what people drew in the stretches left out. One thread; seconds are CPU time.
"""

import argparse
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import micro_models as mm
import torch
from torch import Tensor, nn
from torchvision import ops, tv_tensors
from torchvision.datasets import CocoDetection, wrap_dataset_for_transforms_v2
from torchvision.models.detection import FCOS
from torchvision.transforms import v2

from backend.learning.detection.evaluation import evaluate
from backend.learning.network.backbone import DEFAULT_BACKBONE, Backbone
from backend.types import Frame, Instance, LabeledFrame, Prediction
from tests.benchmarks.group import Group, chosen

LABELLED, STRETCH, HELD_OUT = 5, 10, 4
"""Frames that people label; frames that follow each other; one stretch in so many is left out."""
SIDE, CHANNELS, BATCH, LEARNING_RATE = 320, 64, 4, 1e-3
FROZEN = ("conv_stem", "bn1", "blocks.0", "blocks.1")
"""Layers of the backbone that stay ImageNet's: as in our own recipes."""
THRESHOLDS = [n / 20 for n in range(1, 20)]


class Features(nn.Module):
    """The backbone that micro-models start from, with the feature pyramid of torchvision."""

    out_channels = CHANNELS

    def __init__(self) -> None:
        super().__init__()
        self.backbone = Backbone(DEFAULT_BACKBONE, (8, 16, 32))
        self.backbone.freeze(FROZEN)
        more = ops.feature_pyramid_network.LastLevelP6P7(CHANNELS, CHANNELS)
        self.pyramid = ops.FeaturePyramidNetwork(list(self.backbone.channels), CHANNELS, more)

    def forward(self, images: Tensor) -> dict[str, Tensor]:
        found: dict[str, Tensor] = self.pyramid({str(n): one for n, one in enumerate(self.backbone(images))})
        return found


def micro_model(group: Group, path: Path) -> mm.Model:
    """The group's, learnt from the frames that people labelled, or that of before."""
    if not path.exists():
        at = chosen(group, LABELLED)
        labels = [mm.Instances.of(group.truth(i)) for i in at]
        mm.fit([group[i] for i in at], labels, rest=group.without(at), group=group.folder.name).save(path)
    found = mm.load(path)
    assert isinstance(found, mm.Model)
    return found


def augmented(image: Any, target: dict[str, Any]) -> Any:
    """As torchvision's references train; of a frame with nothing in it torchvision hands on no boxes."""
    none = tv_tensors.BoundingBoxes(torch.zeros(0, 4), format="XYXY", canvas_size=(image.height, image.width))
    change = v2.Compose([
        v2.ToImage(), v2.RandomHorizontalFlip(), v2.RandomPhotometricDistort(p=0.5),
        v2.RandomZoomOut(fill=127, side_range=(1, 1.5), p=0.3), v2.RandomIoUCrop(min_scale=0.5),
        v2.SanitizeBoundingBoxes(), v2.ToDtype(torch.float32, scale=True),
    ])  # fmt: skip
    return change(image, {"boxes": none, "labels": torch.zeros(0, dtype=torch.int64)} | target)


def trained(folder: Path, steps: int) -> tuple[Any, list[str]]:
    """(a detector, its labels) of a COCO data set, read by pycocotools."""
    torch.manual_seed(0)
    read = CocoDetection(folder / "images", folder / "annotations.json", transforms=augmented)
    names = [one["name"] for one in sorted(read.coco.loadCats(read.coco.getCatIds()), key=lambda one: one["id"])]
    frames = wrap_dataset_for_transforms_v2(read, target_keys=("boxes", "labels"))
    # Class 0 means nothing; the backbone normalizes pictures itself.
    model = FCOS(Features(), len(names) + 1, SIDE, SIDE, [0.0] * 3, [1.0] * 3, score_thresh=THRESHOLDS[0]).train()
    weights = [one for one in model.parameters() if one.requires_grad]
    optimizer = torch.optim.AdamW(weights, LEARNING_RATE, weight_decay=1e-4)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, LEARNING_RATE, total_steps=steps)
    for _ in range(steps):
        images, targets = zip(*(frames[i] for i in torch.randint(len(frames), (BATCH,)).tolist()), strict=True)
        loss = sum(model(list(images), list(targets)).values())
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(weights, 10.0)
        optimizer.step()
        schedule.step()
    return model.eval(), names


@torch.inference_mode()
def predictions(model: Any, names: Sequence[str], frames: Sequence[Frame]) -> list[Prediction]:
    """All that it finds, however doubtful."""
    answers = list[Prediction]()
    for frame in frames:
        [found] = model([v2.functional.to_dtype(v2.functional.to_image(frame.image), torch.float32, scale=True)])
        rows = zip(found["labels"].tolist(), found["boxes"].tolist(), found["scores"].tolist(), strict=True)
        answers.append(Prediction(frame.task, tuple(Instance(names[k - 1], tuple(b), s) for k, b, s in rows), 1.0))
    return answers


def f1(found: Sequence[Prediction], truth: Sequence[LabeledFrame], least: float) -> float:
    """At IoU 0.5, of what has at least this score."""
    shown = [Prediction(p.task, tuple(i for i in p.instances if i.score >= least), 1.0) for p in found]
    return evaluate(shown, truth).f1 or 0.0


def measure(folder: Path, steps: int, learnt: Sequence[LabeledFrame], held: Sequence[LabeledFrame]) -> str:
    """A line about the detector of one data set; its threshold is the best one on what it learnt."""
    began = time.process_time()
    model, names = trained(folder, steps)
    seconds = time.process_time() - began
    known, found = (predictions(model, names, [one.frame for one in some]) for some in (learnt, held))
    least = max(THRESHOLDS, key=lambda score: f1(known, learnt, score))
    best = max(f1(found, held, score) for score in THRESHOLDS)
    figures = f"F1 {f1(found, held, least):.3f} from a score of {least:.2f}, {best:.3f} with the best threshold"
    return f"{len(learnt)} frames: {figures}; {f1(known, learnt, least):.3f} on these; {seconds:.0f} s"


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("data", type=Path, help="a folder of labelled frames")
    options.add_argument("--out", type=Path, required=True, help="keeps the micro-model and the data sets")
    options.add_argument("--steps", type=int, default=300)
    args = options.parse_args()
    torch.set_num_threads(1)
    args.out.mkdir(parents=True, exist_ok=True)
    group = Group(args.data)
    five, film = chosen(group, LABELLED), micro_model(group, args.out / "micro-model.mm").film(group)
    labels = [found for _, found in film]
    left_out = [i for i in group.indices if i // STRETCH % HELD_OUT == 1 and i not in five]
    held = [group.labeled(i) for i in left_out]
    own = evaluate([Prediction(i, labels[i].single(), 1.0) for i in left_out], held)
    print(f"micro-model, {len(held)} frames left out: F1 {own.f1 or 0:.3f}", flush=True)
    labels = [mm.Instances.of(group.truth(i)) if i in five else one for i, one in enumerate(labels)]
    for name, at in {"labelled": [i for i in group.indices if i not in left_out], "five": five}.items():
        mm.write("coco", args.out / name, [group.data_set.frames[i].path for i in at], [labels[i] for i in at])
        learnt = [LabeledFrame(group[i], labels[i].single()) for i in at]
        print(f"{name}, {measure(args.out / name, args.steps, learnt, held)}", flush=True)


if __name__ == "__main__":
    main()
