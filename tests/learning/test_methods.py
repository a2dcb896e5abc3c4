import numpy as np
import pytest

from backend.errors import TrainingError
from backend.learning import methods
from backend.learning.detection.recipe import DetectionRecipe
from backend.types import Control, Frame, Head, Instance, LabeledFrame, Prediction, Weights


def control(head: Head) -> Control:
    return Control("label", "image", "Tag", head, ("a",), "image")


@pytest.mark.parametrize("head", Head)
def test_every_head_has_a_recipe_with_the_chosen_backbone(head: Head) -> None:
    assert methods.recipe_for(control(head), "some_backbone").backbone == "some_backbone"


def test_effort_is_a_share_of_all_steps() -> None:
    full = DetectionRecipe()
    half = methods.recipe_for(control(Head.DETECTION), full.backbone, 0.5)
    assert isinstance(half, DetectionRecipe)
    assert half.steps == round(full.steps / 2)
    assert half.pseudo_steps == round(full.pseudo_steps / 2)
    least = methods.recipe_for(control(Head.DETECTION), full.backbone, 0.001)
    assert isinstance(least, DetectionRecipe)
    assert least.steps == methods.FEWEST_STEPS


def test_weights_of_an_unknown_head_are_refused_with_words() -> None:
    with pytest.raises(TrainingError, match="head 'smell', expected one of: detection"):
        methods.load(Weights({}, {"head": "smell"}), "cpu")


@pytest.mark.parametrize("head", Head)
def test_nothing_measured_is_no_score(head: Head) -> None:
    assert methods.evaluate(head, [], []).score is None


def test_a_right_class_scores_one_and_a_wrong_one_zero() -> None:
    frame = Frame(1, np.zeros((4, 4, 3), np.uint8), 4, 4)
    said = (Instance("a", (0, 0, 4, 4)),)
    truth = [LabeledFrame(frame, said)]
    assert methods.evaluate(Head.CLASSIFICATION, [Prediction(1, said, 1.0)], truth).score == 1
    assert methods.evaluate(Head.CLASSIFICATION, [Prediction(1, (), 1.0)], truth).score == 0
