"""Each baseline solves a scene that it is made for."""

from collections.abc import Iterable, Sequence

import cv2
import numpy as np
import pytest
from scipy.ndimage import gaussian_filter

from backend.learning import methods
from backend.learning.detection import evaluation as detection
from backend.types import Frame, Head, Instance, Keypoint, LabeledFrame, Prediction
from tests.benchmarks.baselines import csrt, unet
from tests.benchmarks.baselines.baseline import Baseline, Given
from tests.benchmarks.baselines.registry import BASELINES, baselines_for
from tests.learning.classification.classes import clip as classes_clip
from tests.learning.segmentation.masked import masked_clip

NAMED = {baseline.name: baseline for baseline in BASELINES}
SIZE = (160, 120)


def slide(count: int = 12, step: float = 3.0) -> list[LabeledFrame]:
    """A rough square of 30 pixels with a point in its middle that slides over a rough ground, in a straight line."""
    rng = np.random.default_rng(0)
    ground, skin = (gaussian_filter(rng.uniform(0, 255, (*shape, 3)), (1, 1, 0)) for shape in (SIZE[::-1], (30, 30)))
    frames = list[LabeledFrame]()
    for at in range(count):
        image, mask, x, y = ground.copy(), np.zeros(SIZE[::-1], bool), round(20 + step * at), 40 + at
        image[y : y + 30, x : x + 30] = skin
        mask[y : y + 30, x : x + 30] = True
        box = (float(x), float(y), float(x + 30), float(y + 30))
        instance = Instance("thing", box, mask=mask, keypoints=(Keypoint("middle", x + 15.0, y + 15.0),))
        frames.append(LabeledFrame(Frame(at, image.astype(np.uint8), *SIZE, float(at)), (instance,)))
    return frames


def spots(bright: bool, count: int = 5) -> list[LabeledFrame]:
    """Small and large discs on a plain ground, elsewhere in each frame, and specks that are neither."""
    rng, frames = np.random.default_rng(1), list[LabeledFrame]()
    for at in range(count):
        grey, instances = np.full(SIZE[::-1], 60 if bright else 190, np.uint8), list[Instance]()
        places = rng.permutation([(x, y) for x in (20, 60, 100, 140) for y in (20, 60, 100)])
        for number, (x, y) in enumerate(places.tolist()):
            label, radius = (("small", 5), ("large", 12), ("speck", 1))[number % 3]
            cv2.circle(grey, (x, y), radius, 200 if bright else 50, -1)
            box = (float(x - radius), float(y - radius), float(x + radius + 1), float(y + radius + 1))
            instances += [Instance(label, box)] if radius > 1 else []
        image = np.repeat(grey[..., None], 3, 2)
        frames.append(LabeledFrame(Frame(at, image, *SIZE, float(at)), tuple(instances)))
    return frames


def predicted(baseline: Baseline, head: Head, frames: Sequence[LabeledFrame], at: Iterable[int]) -> list[Prediction]:
    known = set(at)
    labeled = [one for i, one in enumerate(frames) if i in known]
    others = [one.frame for i, one in enumerate(frames) if i not in known]
    labels = tuple(sorted({instance.label for one in frames for instance in one.instances}))
    return baseline.predict(Given(head=head, labels=labels, labeled=labeled, frames=others))


def quality(name: str, head: Head, frames: Sequence[LabeledFrame], at: Iterable[int]) -> float:
    found = predicted(NAMED[name], head, frames, at)
    truth = [one for i, one in enumerate(frames) if i not in set(at)]
    assert [one.task for one in found] == [one.frame.task for one in truth]
    assert all(0 <= one.score <= 1 for one in found)
    return methods.evaluate(head, found, truth).score or 0.0


def test_the_nearest_frame_knows_classes_that_stay_for_a_while() -> None:
    assert quality("nearest frame", Head.CLASSIFICATION, classes_clip(), (2, 8, 14, 20)) == 1


@pytest.mark.parametrize("head", [Head.DETECTION, Head.SEGMENTATION, Head.POSE])
def test_the_nearest_frame_knows_what_stays_where_it_is(head: Head) -> None:
    still = slide(1) * 4
    frames = [LabeledFrame(Frame(i, one.frame.image, *SIZE, float(i)), one.instances) for i, one in enumerate(still)]
    assert quality("nearest frame", head, frames, (1,)) == 1


def test_interpolation_moves_boxes_in_a_straight_line_whoever_they_are() -> None:
    frames = slide()
    named = [
        LabeledFrame(f.frame, (Instance("thing", f.instances[0].box, region_id=str(i)),)) for i, f in enumerate(frames)
    ]
    for prediction, true in zip(
        predicted(NAMED["interpolation"], Head.DETECTION, named, (0, 11)), frames[1:-1], strict=True
    ):
        assert prediction.instances[0].box == pytest.approx(true.instances[0].box)


def test_interpolation_moves_points_in_a_straight_line() -> None:
    assert quality("interpolation", Head.POSE, slide(), (0, 11)) == 1


@pytest.mark.parametrize("bright", [True, False])
def test_a_threshold_finds_spots_of_two_sizes_and_leaves_specks_out(bright: bool) -> None:
    assert quality("Otsu + components", Head.DETECTION, spots(bright), (0, 4)) == 1


def test_a_threshold_masks_spots() -> None:
    frames = [LabeledFrame(one.frame, _as_masks(one)) for one in spots(True)]
    assert quality("Otsu + components", Head.SEGMENTATION, frames, (0, 4)) == 1


def _as_masks(one: LabeledFrame) -> tuple[Instance, ...]:
    masks = dict[str, np.ndarray]()
    for instance in one.instances:
        x0, y0, x1, y1 = (int(edge) for edge in instance.box)
        mask = masks.setdefault(instance.label, np.zeros(SIZE[::-1], bool))
        mask[y0:y1, x0:x1] = one.frame.image[y0:y1, x0:x1, 0] > 100
    return tuple(Instance(label, (0, 0, *SIZE), mask=mask) for label, mask in masks.items())


@pytest.mark.parametrize("head", [Head.DETECTION, Head.SEGMENTATION, Head.POSE])
def test_templates_find_what_always_looks_the_same(head: Head) -> None:
    assert quality("template matching", head, slide(), (0, 6)) == 1


def test_templates_show_nothing_where_nothing_looks_like_them() -> None:
    frames = slide(4)
    empty = LabeledFrame(Frame(9, np.zeros((*SIZE[::-1], 3), np.uint8), *SIZE, 9.0), ())
    assert predicted(NAMED["template matching"], Head.DETECTION, [*frames, empty], range(4))[0].instances == ()


@pytest.mark.parametrize(("head", "least"), [(Head.DETECTION, 1.0), (Head.SEGMENTATION, 0.75), (Head.POSE, 1.0)])
def test_optical_flow_follows_a_slow_thing_both_ways(head: Head, least: float) -> None:
    assert quality("optical flow", head, slide(9, step=2.0), (4,)) >= least


def test_optical_flow_keeps_boxes_tight() -> None:
    frames = slide(9, step=2.0)
    found = predicted(NAMED["optical flow"], Head.DETECTION, frames, (4,))
    assert detection.evaluate(found, frames[:4] + frames[5:], 0.7).f1 == 1


@pytest.mark.skipif(not csrt.BASELINE.installed(), reason="opencv-contrib is not on the path: see csrt.py")
def test_csrt_follows_a_thing_both_ways() -> None:
    assert quality("CSRT", Head.DETECTION, slide(9), (4,)) == 1


@pytest.mark.parametrize("name", ["k-NN", "logistic regression"])
def test_frozen_features_tell_classes_apart(name: str) -> None:
    assert quality(name, Head.CLASSIFICATION, classes_clip(16), (1, 4, 7, 10)) == 1


@pytest.mark.slow
def test_a_u_net_masks_discs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(unet, "STEPS", 40)
    assert quality("U-Net", Head.SEGMENTATION, masked_clip().frames, (2, 6, 9)) > 0.7


@pytest.mark.parametrize("name", [one.name for one in baselines_for(Head.POSE)])
def test_points_hang_on_the_boxes_that_are_told(name: str) -> None:
    """Twice as far to the right and twice as large as where they were drawn."""
    frames = slide(2, step=0.0)
    boxes = {1: [Instance("thing", (80.0, 40.0, 140.0, 100.0), region_id="box")]}
    given = Given(head=Head.POSE, labels=("middle",), labeled=frames[:1], frames=[frames[1].frame], boxes=boxes)
    [shown] = NAMED[name].predict(given)[0].instances
    assert (shown.box, shown.region_id) == (boxes[1][0].box, "box")
    assert (shown.keypoints[0].x, shown.keypoints[0].y) == pytest.approx((110, 70), abs=3)


@pytest.mark.parametrize("head", [Head.DETECTION, Head.SEGMENTATION, Head.POSE])
def test_where_labelled_frames_are_empty_nothing_is_shown(head: Head) -> None:
    frames = [LabeledFrame(one.frame, ()) for one in slide(4)]
    for baseline in baselines_for(head):
        if not baseline.by_lot:
            assert [one.instances for one in predicted(baseline, head, frames, (0, 3))] == [(), ()]


def test_no_two_baselines_of_a_head_have_the_same_name() -> None:
    assert len(NAMED) == len(BASELINES)
