import dataclasses
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.numpy import load_file, save_file

from backend.learning import warm_start
from backend.learning.detection import plan as detection_plan
from backend.learning.detection import warm_start as detection_start
from backend.learning.detection.recipe import DetectionRecipe
from backend.learning.parent.network import build
from backend.learning.parent.recipe import ParentRecipe
from backend.learning.parent.shipped import pack, shipped
from backend.learning.pose import plan as pose_plan
from backend.learning.pose import warm_start as pose_start
from backend.learning.pose.recipe import PoseRecipe
from backend.learning.segmentation import blueprint as segmentation_plan
from backend.learning.segmentation import warm_start as segmentation_start
from backend.learning.segmentation.recipe import SegmentationRecipe
from backend.types import Head, Start, Weights
from tests.learning.pose.synthetic import herd
from tests.learning.segmentation.masked import masked_clip
from tests.learning.synthetic import clip

DEFAULT = DetectionRecipe().backbone


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    where = tmp_path_factory.mktemp("parent") / "parent.safetensors"
    torch.manual_seed(0)
    pack(build(ParentRecipe()), ParentRecipe(), where)
    return where


def _start(head: Head, path: Path | None) -> Weights:
    start = shipped(head, DEFAULT, path)
    assert start is not None
    return start


def _plans(labels: tuple[str, ...]) -> list[tuple[Head, Any, Any]]:
    frames, animals = clip(2).frames, herd(2)
    masks = masked_clip(2).frames
    return [
        (Head.DETECTION, detection_plan.plan(frames, labels, DetectionRecipe()), detection_start.warm),
        (Head.SEGMENTATION, segmentation_plan.plan(masks, labels, SegmentationRecipe()), segmentation_start.warm),
        (Head.POSE, pose_plan.plan(animals, labels, PoseRecipe()), pose_start.warm),
        (Head.POSE, pose_plan.plan(herd(2, boxed=True), labels, PoseRecipe()), pose_start.warm),
    ]


@pytest.mark.parametrize("labels", [("disc",), ("a", "b", "c")])
def test_every_head_takes_it_over_as_a_whole(path: Path, labels: tuple[str, ...]) -> None:
    for head, planned, warm in _plans(labels):
        blueprint, arrays = warm(planned, _start(head, path))
        assert blueprint == planned, "its own scale and rules"
        network = blueprint.build()
        own = network.own_state()
        assert {name for name in own if not name.startswith("backbone.")} == arrays.keys()
        network.take_state(arrays)
        assert all(np.array_equal(network.own_state()[name], array) for name, array in arrays.items())
        assert warm_start.kind_of(_start(head, path), arrays) is Start.SHIPPED


def test_detection_and_segmentation_do_without_the_mark_of_the_middle(path: Path) -> None:
    marked, plain = (_start(head, path).arrays["pyramid.laterals.0.weight"] for head in (Head.POSE, Head.DETECTION))
    assert np.array_equal(marked[:, :-1], plain)


def test_none_for_classification_for_another_backbone_and_without_the_file(path: Path, tmp_path: Path) -> None:
    assert shipped(Head.CLASSIFICATION, DEFAULT, path) is None
    assert shipped(Head.DETECTION, "resnet18", path) is None
    assert shipped(Head.DETECTION, DEFAULT, tmp_path / "none.safetensors") is None


def test_none_for_a_head_that_the_parent_lacks(path: Path, tmp_path: Path) -> None:
    boxes = {name: array for name, array in load_file(path).items() if not name.startswith(("masks.", "points."))}
    save_file(boxes, tmp_path / "boxes.safetensors", {"backbone": DEFAULT})
    assert shipped(Head.DETECTION, DEFAULT, tmp_path / "boxes.safetensors") is not None
    assert shipped(Head.SEGMENTATION, DEFAULT, tmp_path / "boxes.safetensors") is None
    assert shipped(Head.POSE, DEFAULT, tmp_path / "boxes.safetensors") is None


@pytest.mark.parametrize("changes", [{"width": 32}, {"backbone": "resnet18"}])
def test_a_plan_of_another_shape_starts_from_the_backbone(path: Path, changes: dict[str, Any]) -> None:
    planned = dataclasses.replace(_plans(("disc",))[0][1], **changes)
    assert detection_start.warm(planned, _start(Head.DETECTION, path)) == (planned, {})


def test_a_trained_layer_that_the_plan_freezes_is_not_taken(path: Path) -> None:
    start = _start(Head.DETECTION, path)
    trained = {**start.arrays, "backbone.body.blocks.2.0.conv_pw.weight": np.zeros(1)}
    planned = dataclasses.replace(_plans(("disc",))[0][1], frozen=("blocks.2",))
    assert detection_start.warm(planned, Weights(trained, start.metadata)) == (planned, {})


def test_another_detail_is_another_shape(path: Path) -> None:
    planned = dataclasses.replace(_plans(("disc",))[1][1], detail=8)
    assert segmentation_start.warm(planned, _start(Head.SEGMENTATION, path)) == (planned, {})
