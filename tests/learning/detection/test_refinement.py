import dataclasses

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from backend.learning import methods
from backend.learning.detection import micro_model
from backend.learning.detection.candidates import Candidates
from backend.learning.detection.config import DetectionConfig
from backend.learning.detection.plan import plan
from backend.learning.detection.recipe import DetectionRecipe
from backend.learning.detection.refinement import (
    CONTEXT_SIDES,
    CROP_SIDE,
    MAX_REFINED_BOXES,
    RefinementHead,
    Refiner,
    believed,
    refinement_state,
    view_of,
    without_refinement,
    worth_it,
)
from backend.types import Weights
from tests.learning.cases import CASES
from tests.learning.synthetic import clip

Boxes = NDArray[np.float64]
FRAMES = [labeled.frame for labeled in clip(4).frames]
SIDES = st.floats(2, 500)
PLACES = st.floats(-50, 2000)


@pytest.fixture(scope="module")
def weights() -> Weights:
    return CASES["boxes"].trained(unlabeled=()).weights


def test_a_sure_second_look_is_believed_and_a_doubtful_one_is_not() -> None:
    first, second = np.array([[10.0, 20, 30, 60]]), np.array([[12.0, 18, 33, 66]])
    assert believed(first, second, np.zeros((1, 4))) == pytest.approx(second)
    assert believed(first, second, np.full((1, 4), 1e6)) == pytest.approx(first, abs=1e-3)
    as_sure = np.hypot(
        [[2.0, 4.0, 2.0, 4.0]], second - first
    )  # a tenth of the first box's sides, and how far it seems off
    assert believed(first, second, as_sure) == pytest.approx((first + second) / 2)


def test_a_first_look_that_is_far_off_is_hardly_believed() -> None:
    first, doubt = np.array([[10.0, 20, 30, 60]]), np.full((1, 4), 3.0)
    shares = [believed(first, first + off, doubt) / off - first / off for off in (0.1, 4.0, 20.0)]
    near, far, furthest = (float(share.min()) for share in shares)
    assert near < 0.4 < far < 0.9 < furthest


def test_a_box_without_sides_stays() -> None:
    point = np.array([[5.0, 5, 5, 5]])
    assert believed(point, point + 1, np.zeros((1, 4))) == pytest.approx(point)


@given(PLACES, PLACES, SIDES, SIDES)
def test_the_crop_shows_the_whole_box_in_its_middle(x: float, y: float, width: float, height: float) -> None:
    box = np.array([x, y, x + width, y + height])
    ends = view_of(box).to_crop(box.reshape(2, 2))
    assert ends.sum(0) == pytest.approx(np.full(2, CROP_SIDE), abs=1e-6)
    assert (ends > 0).all()
    assert (ends < CROP_SIDE).all()


def test_a_fresh_head_says_the_usual_box_and_learns_another() -> None:
    torch.manual_seed(0)
    head, features = RefinementHead(8), torch.rand(2, 8, CROP_SIDE // 4, CROP_SIDE // 4)
    half = CROP_SIDE / CONTEXT_SIDES / 2
    wanted = CROP_SIDE / 2 + torch.tensor([[-half, -half, half, half]])
    boxes, deviation = head.decode(head(features) * 0)
    assert torch.allclose(boxes, wanted.expand(2, -1), atol=0.1)
    assert (deviation > 1).all()
    narrow = wanted * torch.tensor([1.2, 1.0, 0.9, 1.0])
    optimizer = torch.optim.Adam(head.parameters(), 0.02)
    for _ in range(60):
        loss = head.loss(head(features), narrow.expand(2, -1))
        optimizer.zero_grad()
        torch.autograd.backward(loss)
        optimizer.step()
    assert torch.allclose(head.decode(head(features))[0], narrow.expand(2, -1), atol=3)


def test_what_may_be_shown_gets_a_second_look() -> None:
    config = dataclasses.replace(plan(clip(2).frames, ("disc", "square"), DetectionRecipe()), counts=((1, 2), (0, 0)))
    scores, classes = np.array([0.9, 0.1, 0.1, 0.05, 0.3, 0.1], np.float32), np.array([0, 0, 0, 0, 1, 1])
    found = Candidates(np.zeros((6, 4), np.float32), scores, classes)
    assert worth_it(found, config).tolist() == [0, 1, 4]
    crowd = Candidates(np.zeros((90, 4), np.float32), np.full(90, 0.9, np.float32), np.zeros(90, np.int64))
    assert len(worth_it(crowd, config)) == MAX_REFINED_BOXES
    elsewhere = config.for_other_group()
    assert worth_it(found, elsewhere).tolist() == [0, 4]


def test_boxes_differ_with_it_and_an_artifact_without_it_is_loaded(weights: Weights) -> None:
    plain = without_refinement(weights)
    assert refinement_state(weights)
    assert not refinement_state(plain)
    one, other = micro_model.load(weights, "cpu"), micro_model.load(plain, "cpu")
    assert other.refiner is None
    assert other.nbytes < one.nbytes < other.nbytes + 1e6
    boxes = np.array([[20, 20, 44, 50], [60, 60, 90, 80]], np.float32)
    found = Candidates(boxes, np.array([0.9, 0.8], np.float32), np.zeros(2, np.int64))
    assert one.refiner is not None
    refined = one.refiner.refined(found, FRAMES[0], one.config)
    assert not np.allclose(refined.boxes, found.boxes)
    assert np.array_equal(refined.scores, found.scores)
    assert (refined.boxes[:, 2:] > refined.boxes[:, :2]).all()
    large = dataclasses.replace(FRAMES[0], width=10 * FRAMES[0].width, height=10 * FRAMES[0].height)
    again = one.refiner.refined(dataclasses.replace(found, boxes=10 * boxes), large, one.config)
    assert again.boxes == pytest.approx(10 * refined.boxes, abs=0.5), "whatever the size of the original"


def test_what_is_found_elsewhere_is_looked_at_once_more(weights: Weights, monkeypatch: pytest.MonkeyPatch) -> None:
    model, looked = micro_model.load(weights, "cpu"), list[Boxes]()
    boxes = np.array([[20, 20, 44, 50], [60, 60, 90, 80]], np.float32)
    first, sure = boxes + np.array([[0.5], [12]], np.float32), np.zeros((2, 4))
    answers = [(first.astype(float), sure), (np.array([[61.0, 62, 93, 84]]), sure[:1])]

    def look(refiner: Refiner, image: torch.Tensor, around: Boxes) -> tuple[Boxes, Boxes]:
        looked.append(around)
        return answers[len(looked) - 1]

    monkeypatch.setattr(Refiner, "_look", look)
    found = Candidates(boxes, np.array([0.9, 0.8], np.float32), np.zeros(2, np.int64))
    assert model.refiner is not None
    refined = model.refiner.refined(found, FRAMES[0], model.config)
    assert [one.tolist() for one in looked] == [boxes.tolist(), [[72, 72, 102, 92]]]
    assert refined.boxes == pytest.approx(np.array([[20.5, 20.5, 44.5, 50.5], [61, 62, 93, 84]]))


def test_a_box_by_itself_gets_the_same_second_look(weights: Weights) -> None:
    model = micro_model.load(weights, "cpu")
    assert model.refiner is not None
    box = (10.0, 10.0, 40.0, 30.0)
    among = Candidates(np.array([box], np.float32), np.array([1.0], np.float32), np.array([0]))
    [expected] = model.refiner.refined(among, FRAMES[0], model.config).boxes
    assert model.refiner.refined_box(box, FRAMES[0], model.config) == pytest.approx(expected)


def test_it_is_switched_off_in_the_config(weights: Weights) -> None:
    config = dataclasses.replace(DetectionConfig.from_metadata(weights.metadata), refinement=False)
    off = Weights(weights.arrays, {**weights.metadata, **config.to_metadata()})
    assert micro_model.load(off, "cpu").refiner is None
    assert micro_model.load(off, "cpu").predict(FRAMES) == micro_model.load(without_refinement(weights), "cpu").predict(
        FRAMES
    )


def test_an_ensemble_keeps_the_second_look_of_the_newer_network(weights: Weights) -> None:
    older = Weights({name: array * np.float16(0.5) for name, array in weights.arrays.items()}, weights.metadata)
    both = methods.ensemble(weights, older)
    own, kept = refinement_state(weights), refinement_state(both)
    assert own.keys() == kept.keys()
    assert all(np.array_equal(own[name], kept[name]) for name in own)
    assert not any(name.startswith("other.refinement.") for name in both.arrays)
    assert micro_model.load(both, "cpu").refiner is not None
