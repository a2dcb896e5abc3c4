"""Classes of regions: what is learnt of a few frames, what is handed back, and how it is measured."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.learning.attributes.crops import crop, place, regions_of
from backend.learning.attributes.evaluation import evaluate
from backend.learning.attributes.method import METHOD
from backend.learning.attributes.micro_model import AttributeModel
from backend.learning.attributes.recipe import AttributeRecipe
from backend.learning.fitting.training_input import TrainingInput
from backend.types import Box, Frame, Instance, LabeledFrame, Prediction
from tests.learning.attributes import crowd

BOX = (10.0, 10.0, 30.0, 40.0)


def learnt(labeled: list[LabeledFrame], labels: tuple[str, ...], **recipe: object) -> AttributeModel:
    given = TrainingInput(labeled=labeled, labels=labels, device="cpu")
    model = METHOD.load(METHOD.train(given, AttributeRecipe(**recipe)).weights, "cpu")  # type: ignore[arg-type]
    assert isinstance(model, AttributeModel)
    return model


@pytest.mark.parametrize(
    ("rule", "labels"),
    [(crowd.by_picture, crowd.LABELS), (crowd.by_side, crowd.SIDES), (crowd.by_shape, crowd.SHAPES)],
)
def test_five_frames_are_enough_for_what_the_picture_the_place_or_the_shape_tells(
    rule: crowd.Rule, labels: tuple[str, ...]
) -> None:
    frames = crowd.crowd(30, rule)
    model, rest = learnt(list(frames[::6]), labels), [one for n, one in enumerate(frames) if n % 6]
    boxes = {one.frame.task: [replace(box, label="object") for box in one.instances] for one in rest}
    found = model.predict([one.frame for one in rest], (), boxes)
    assert (METHOD.measure(found, rest).score or 0) >= 0.9


def test_each_region_comes_back_once_with_its_id_and_its_box() -> None:
    frames = crowd.crowd(3)
    model = learnt(list(frames[:2]), crowd.LABELS, side=64)
    other = frames[2]
    [found] = model.predict([other.frame], (), {other.frame.task: (*other.instances, other.instances[0])})
    assert [(one.region_id, one.box) for one in found.instances] == [(i.region_id, i.box) for i in other.instances]
    assert found.score == pytest.approx(np.prod([one.score for one in found.instances]))


def test_without_a_box_nothing_is_said() -> None:
    frames = crowd.crowd(3)
    model = learnt(list(frames[:2]), crowd.LABELS, side=64)
    assert model.predict([frames[2].frame]) == [Prediction(2, (), 1.0)]


def test_where_regions_have_several_classes_each_is_there_or_not() -> None:
    frames = [
        replace(one, instances=tuple(replace(i, label=label) for i in one.instances for label in ("thing", i.label)))
        for one in crowd.crowd(6)
    ]
    model = learnt(frames[:5], ("thing", *crowd.LABELS), side=64)
    [found] = model.predict([frames[5].frame], (), {5: frames[5].instances})
    assert all("thing" in labels for _, labels in regions_of(found.instances))
    assert METHOD.measure([found], frames[5:]).score == 1


def test_a_region_is_right_with_exactly_its_classes() -> None:
    frame = Frame(0, np.zeros((50, 50, 3), np.uint8), 50, 50)
    truth = [LabeledFrame(frame, (Instance("up", BOX, region_id="a"), Instance("down", BOX, region_id="b")))]
    said = (Instance("up", BOX, region_id="a"), Instance("up", BOX, region_id="b"), Instance("up", BOX, region_id="c"))
    assert evaluate([Prediction(0, said, 1.0)], truth).accuracy == 0.5
    both = (*said[:1], Instance("down", BOX, region_id="a"))
    assert evaluate([Prediction(0, both, 1.0)], truth).accuracy == 0
    assert evaluate([], []).accuracy is None


@pytest.mark.parametrize(
    ("box", "margin", "shape"),
    [
        (BOX, 0.0, (30, 20)),
        (BOX, 0.5, (55, 40)),
        ((-20.0, -20.0, 300.0, 300.0), 0.0, (60, 80)),
        ((5.0, 5.0, 5.0, 5.0), 0.0, (1, 1)),
        ((200.0, 200.0, 210.0, 210.0), 0.0, (1, 1)),
    ],
)
def test_crops(box: Box, margin: float, shape: tuple[int, int]) -> None:
    found = crop(Frame(3, np.zeros((60, 80, 3), np.uint8), 80, 60), box, margin)
    assert found.image.shape[:2] == shape
    assert (found.task, found.width, found.height) == (3, shape[1], shape[0])


@given(st.tuples(*[st.floats(-50, 150)] * 4), st.integers(1, 4))
def test_places_do_not_depend_on_the_size_of_the_picture(box: Box, scale: int) -> None:
    frames = [Frame(0, np.zeros((1, 1, 3), np.uint8), 100 * s, 80 * s) for s in (1, scale)]
    larger: Box = (box[0] * scale, box[1] * scale, box[2] * scale, box[3] * scale)
    near, far = place(frames[0], box), place(frames[1], larger)
    assert np.isfinite(near).all()
    if min(box[2] - box[0], box[3] - box[1]) > 0.01:
        assert near == pytest.approx(far)
