"""Groups with turned boxes, and those without, to which an angle must make no difference."""

import math
from dataclasses import replace

import cv2
import numpy as np
import pytest
import torch

from backend.learning.detection import augmentation, head, micro_model, training
from backend.learning.detection.ensemble import with_member
from backend.learning.detection.evaluation import evaluate
from backend.learning.detection.recipe import DetectionRecipe
from backend.learning.detection.rotation import decoded
from backend.learning.detection.turned import turned
from backend.learning.fitting.training_input import TrainingInput
from backend.learning.geometry.rotation import upright
from backend.types import Frame, Instance, LabeledFrame, Weights
from tests.learning.synthetic import LABELS, clip

QUICK = DetectionRecipe(steps=3, warm_steps=2, batch=2, crop=96, frame_pixels=20_000)
SHORT = DetectionRecipe(steps=70, batch=4, crop=128, frame_pixels=80_000)


@pytest.fixture(autouse=True)
def _one_thread() -> None:
    torch.set_num_threads(min(torch.get_num_threads(), 2))


def rods(count: int) -> list[LabeledFrame]:
    """Two rods of 40 x 12 pixels that turn."""
    rng = np.random.default_rng(1)
    ground = cv2.GaussianBlur(rng.normal(110, 120, (120, 160, 3)).astype(np.float32), (0, 0), 3)
    frames = []
    for at in range(count):
        image, instances = ground.copy(), []
        for n, (x, y) in enumerate(((50 + at, 40), (110 - at, 80))):
            turn = 17.0 * at + 80 * n
            points = cv2.boxPoints(((x, y), (40, 12), turn))
            cv2.fillPoly(image, [points.astype(np.int32)], (220, 60 + 80 * n, 40))
            instances.append(rod(x, y, turn))
        pixels = np.clip(image + rng.normal(0, 4, image.shape), 0, 255).astype(np.uint8)
        frames.append(LabeledFrame(Frame(at, pixels, 160, 120, float(at)), tuple(instances)))
    return frames


def rod(x: float, y: float, degrees: float) -> Instance:
    quarters = round(degrees / 90)
    width, height = (12, 40) if quarters % 2 else (40, 12)
    return Instance(
        "rod", (x - width / 2, y - height / 2, x + width / 2, y + height / 2), angle=degrees - 90 * quarters
    )


def trained(frames: list[LabeledFrame], recipe: DetectionRecipe, every: int = 2) -> Weights:
    others = [one.frame for at, one in enumerate(frames) if at % every]
    given = TrainingInput(labeled=frames[::every], labels=("rod", *LABELS), unlabeled=others, device="cpu", seed=2)
    return training.train(given, recipe).weights


def test_upright_groups_know_nothing_of_angles(monkeypatch: pytest.MonkeyPatch) -> None:
    def never(*_: object) -> None:
        raise AssertionError("an upright group has no angle")

    for module, name in ((head, "encoded"), (head, "decoded"), (head, "kept_apart"), (augmentation, "turn_between")):
        monkeypatch.setattr(module, name, never)
    frames = list(clip(4).frames)
    weights = trained(frames, QUICK)
    assert not any("turn" in name for name in weights.arrays)
    # Too few to be meant: as if their upright boxes had been drawn, to the last digit.
    [slipped] = frames[0].instances
    odd = [replace(frames[0], instances=(replace(slipped, angle=20.0),)), *frames[1:]]
    flat = [upright(odd[0]), *frames[1:]]
    assert odd[0].instances != flat[0].instances
    first, second = trained(odd, QUICK), trained(flat, QUICK)
    assert first.metadata == second.metadata
    assert all(np.array_equal(first.arrays[name], second.arrays[name]) for name in second.arrays)
    model = micro_model.load(with_member(weights, weights), "cpu")
    assert all(i.angle == 0 for p in model.predict(f.frame for f in frames) for i in p.instances)


def test_a_turned_group_says_so_in_its_artifact_and_starts_from_its_like_alone() -> None:
    frames = rods(6)
    weights = trained(frames, QUICK)
    assert weights.arrays["head.turn.weight"].shape[0] == 6
    model = micro_model.load(with_member(weights, weights), "cpu")
    assert model.config.turned
    plain = trained(list(clip(4).frames), QUICK)
    assert with_member(weights, plain) is weights
    given = TrainingInput(labeled=frames, labels=("rod", *LABELS), start=plain, device="cpu")
    assert training.train(given, QUICK).metrics["warm"] == 0.0


def test_of_a_square_the_angle_is_known_as_well() -> None:
    code = np.array([[math.log(20), math.log(20), 0.0, 0.0, math.cos(1.2), math.sin(1.2)]])
    assert decoded(code)[0] == pytest.approx((20, 20, math.degrees(0.3)))


def test_what_fills_a_gap_is_turned_as_the_object_is_next_to_it_in_time() -> None:
    bounds, far = np.array([[0.0, 0.0, 30.0, 30.0]]), np.array([[90.0, 90.0, 99.0, 95.0]])
    shown, gap = np.array([1], np.int64), np.array([-1], np.int64)
    candidates = [np.array([[9.0, 9.0, 9.0], [40.0, 8.0, 30.0]]), np.zeros((0, 3)), np.zeros((0, 3))]
    found = turned([bounds, bounds + 2, far], [shown, gap, gap], candidates)
    assert [one.tolist() for one in found] == [[[40, 8, 30]], [[40, 8, 30]], [[9, 5, 0]]]
    assert turned([], [], []) == []


@pytest.mark.slow
def test_turned_boxes_are_learnt() -> None:
    frames = rods(16)
    others = [one for at, one in enumerate(frames) if at % 3]
    shown = {}
    for name, drawn in (("turned", frames), ("upright", [upright(one) for one in frames])):
        model = micro_model.load(trained(drawn, SHORT, every=3), "cpu")
        found = model.predict([one.frame for one in others], drawn[::3])
        shown[name] = evaluate(found, others).f1 or 0.0
    assert shown["turned"] >= 0.8
    assert shown["turned"] > shown["upright"] + 0.3
