import json
from itertools import chain
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from backend.demo import hand_labels
from backend.demo.data_set import DemoFrame, described_set
from backend.demo.hand_labels import instance_of, labels_of, mask_of, truth_of_frames
from backend.learning.pose.symmetry import partners
from backend.pixel_edges import bounding_box
from backend.types import Head

DESCRIBED: dict[str, Any] = json.loads(Path(hand_labels.__file__).with_name("big_buck_bunny.json").read_text())
SIZE = DESCRIBED["width"], DESCRIBED["height"]
FRAMES = pytest.mark.parametrize("entry", DESCRIBED["frames"], ids=lambda entry: entry["index"])
NEAR = 4.0
"""Pixels that two strokes of one hand may differ by."""


def test_no_polygon_is_an_empty_mask() -> None:
    assert not mask_of([], (6, 4)).any()


def test_polygons_that_overlap_are_one_mask() -> None:
    mask = mask_of([[[0, 0], [3, 0], [3, 2], [0, 2]], [[2, 1], [5, 1], [5, 3], [2, 3]]], (6, 4))
    assert mask.shape == (4, 6)
    assert mask.sum() == 6 + 6 - 1


def test_an_object_without_pixels_keeps_its_box() -> None:
    item = {"label": "speck", "box": [1, 1, 2, 2], "outline": [[[1.1, 1.1], [1.2, 1.1], [1.2, 1.2]]]}
    assert instance_of(item, Head.SEGMENTATION, (6, 4)).box == (1, 1, 2, 2)


@FRAMES
def test_the_outline_fills_the_box(entry: dict[str, Any]) -> None:
    (item,) = entry["objects"]
    mask = mask_of(item["outline"], SIZE)
    assert bounding_box(mask) == pytest.approx(item["box"], abs=NEAR)
    assert sum(len(polygon) for polygon in item["outline"]) >= 30


@FRAMES
def test_the_outline_does_not_cross_itself(entry: dict[str, Any]) -> None:
    for polygon in entry["objects"][0]["outline"]:
        x, y = np.asarray(polygon, float).T
        area = abs(np.dot(x, np.roll(y, 1)) - np.dot(y, np.roll(x, 1))) / 2
        # Loops that run the other way round count against the area, but not against the filled pixels.
        assert mask_of([polygon], SIZE).sum() == pytest.approx(area, rel=0.003)


@FRAMES
def test_points_lie_on_the_bunny(entry: dict[str, Any]) -> None:
    (item,) = entry["objects"]
    away = cv2.distanceTransform((~mask_of(item["outline"], SIZE)).astype(np.uint8), cv2.DIST_L2, 5)
    x0, y0, x1, y1 = item["box"]
    assert {"nose", "right ear tip", "right paw"} <= set(item["keypoints"]) <= set(DESCRIBED["keypoints"])
    for x, y in item["keypoints"].values():
        assert x0 - NEAR <= x < x1 + NEAR
        assert y0 - NEAR <= y < y1 + NEAR
        assert away[y, x] <= NEAR


def test_every_point_is_shown_by_a_labelled_frame() -> None:
    labelled = [entry for entry in DESCRIBED["frames"] if entry["index"] in DESCRIBED["labelled"]]
    assert {name for entry in labelled for name in entry["objects"][0]["keypoints"]} == set(DESCRIBED["keypoints"])


def test_flips_swap_left_and_right() -> None:
    names = tuple(DESCRIBED["keypoints"])
    swapped = [names[other] for other in partners(names)]
    assert swapped == ["nose", "right ear tip", "left ear tip", "right paw", "left paw"]


def test_every_frame_has_one_class() -> None:
    runs = DESCRIBED["classes_of_frames"]
    told = [(number, label) for label, first, last in runs for number in range(first, last + 1)]
    assert [number for number, _ in told] == list(range(DESCRIBED["frame_count"]))
    assert {label for _, label in told} == set(DESCRIBED["frame_classes"]) == {"in the den", "standing"}
    assert all(dict(told)[entry["index"]] == entry["class"] for entry in DESCRIBED["frames"])
    assert {entry["class"] for entry in DESCRIBED["frames"] if entry["index"] in DESCRIBED["labelled"]} == {
        "in the den",
        "standing",
    }


def test_the_frames_that_classification_submits_are_told() -> None:
    truth = truth_of_frames(DESCRIBED, Head.CLASSIFICATION)
    frames = [DemoFrame(Path(str(n)), n, truth[n]) for n in range(DESCRIBED["frame_count"])]
    told = DESCRIBED["labelled_classes"]
    assert [len(numbers) for numbers in told.values()] == [5, 5]
    assert described_set(DESCRIBED, frames, Head.CLASSIFICATION).labelled(5) == tuple(sorted(chain(*told.values())))
    assert all(truth[number][0].label == label for label, numbers in told.items() for number in numbers)


@pytest.mark.parametrize(
    ("head", "labels"),
    [
        (Head.DETECTION, ("bunny",)),
        (Head.SEGMENTATION, ("bunny",)),
        (Head.POSE, tuple(DESCRIBED["keypoints"])),
        (Head.CLASSIFICATION, ("in the den", "standing")),
    ],
)
def test_each_head_has_labels_and_truth_of_its_own(head: Head, labels: tuple[str, ...]) -> None:
    assert labels_of(DESCRIBED, head) == labels
    (instance,) = truth_of_frames(DESCRIBED, head)[22]
    assert (instance.mask is not None) == (head is Head.SEGMENTATION)
    assert bool(instance.keypoints) == (head is Head.POSE)
    assert (instance.box == (0, 0, 1280, 720)) == (head is Head.CLASSIFICATION)
