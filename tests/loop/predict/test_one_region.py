"""Whatever is known of a frame and however somebody points into it: at most one region, with the label that was chosen."""

from dataclasses import replace
from types import SimpleNamespace
from typing import Any, cast
from unittest.mock import patch

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from backend.learning.method import MicroModel
from backend.learning.prompting import fallback_chain, own_model
from backend.learning.prompting.fallback_chain import PromptContext, PromptResult
from backend.learning.segmentation.micro_model import SegmentationModel
from backend.studio import prompts, tags
from backend.studio.labeling_config import parse
from backend.studio.prompts import Question
from backend.types import Box, Control, Frame, Head, Instance, Keypoint, Mask, Prediction, Prompt

WIDTH, HEIGHT = 48, 32
FRAME = Frame(1, np.random.default_rng(0).integers(0, 255, (HEIGHT, WIDTH, 3), np.uint8), WIDTH, HEIGHT)
MASKS, LABELS = ("BrushLabels", "BitmaskLabels", "PolygonLabels", "EllipseLabels"), ("cat", "dog")
points = st.tuples(st.floats(0, WIDTH - 1), st.floats(0, HEIGHT - 1))
boxes = st.tuples(points, points).map(lambda two: _box(*two))
painted = st.lists(boxes, min_size=1, max_size=3).map(lambda some: _painted(some, 1.0) > 0)
maps = st.lists(st.tuples(boxes, st.floats(0, 1)), max_size=5).map(
    lambda some: _painted([box for box, _ in some], [value for _, value in some])
)
anywhere = st.one_of(
    st.builds(Prompt, box=boxes),
    st.builds(
        Prompt,
        inside=st.lists(points, min_size=1, max_size=4).map(tuple),
        outside=st.lists(points, max_size=3).map(tuple),
    ),
    st.builds(Prompt, outline=painted),
    st.builds(Prompt, stroke=painted),
)


def _box(one: tuple[float, float], other: tuple[float, float]) -> Box:
    low, high = np.minimum(one, other), np.maximum(one, other) + 1
    return float(low[0]), float(low[1]), float(high[0]), float(high[1])


def _painted(some: Any, values: Any) -> Any:
    found = np.zeros((HEIGHT, WIDTH), np.float32)
    for (x0, y0, x1, y1), value in zip(some, np.broadcast_to(values, (len(some),)), strict=True):
        found[int(y0) : int(np.ceil(y1)), int(x0) : int(np.ceil(x1))] = value
    return found


def control_of(tag: str) -> Control:
    inner = "".join(f'<Label value="{label}"/>' for label in LABELS)
    xml = f'<View><Image name="image" value="$image"/><{tag} name="answer" toName="image" smart="true">{inner}</{tag}></View>'
    return parse(xml).controls[0]


def context_of(control: Control, model: MicroModel | None) -> PromptContext:
    return PromptContext(control.head, "cat", "tf_efficientnet_lite0", tags.is_one_outline(control), model)


def is_the_one(found: PromptResult | None, control: Control) -> None:
    """An answer is one region of the control's own form, with the label, in the picture; or nothing."""
    if found is None:
        return
    asked = Question("rectangle", (), "cat", control)
    items = prompts.write(asked, found.instance, (WIDTH, HEIGHT), found.who)
    assert [(item["from_name"], item["type"]) for item in items] == [("answer", control.tag.lower())]
    assert items[0]["value"][control.tag.lower()] == ["cat"]
    assert items[0]["meta"] == {"text": [found.who]}
    x0, y0, x1, y1 = found.instance.box
    assert 0 <= x0 < x1 <= WIDTH
    assert 0 <= y0 < y1 <= HEIGHT


@settings(deadline=None)
@given(maps, anywhere, st.sampled_from(MASKS))
def test_of_a_map_of_probabilities(chances: Mask, prompt: Prompt, tag: str) -> None:
    control, model = control_of(tag), object.__new__(SegmentationModel)
    with (
        patch.object(own_model, "chances", lambda *_: chances),
        patch.object(fallback_chain, "_by_picture", lambda *_: None),
    ):
        is_the_one(fallback_chain.answer(FRAME, prompt, context_of(control, model)), control)


@settings(deadline=None, max_examples=20)
@given(anywhere, st.sampled_from([*MASKS, "RectangleLabels"]))
def test_of_the_picture_alone(prompt: Prompt, tag: str) -> None:
    control = control_of(tag)
    is_the_one(fallback_chain.answer(FRAME, prompt, context_of(control, None)), control)


@settings(deadline=None)
@given(st.lists(st.tuples(boxes, st.sampled_from(LABELS), st.floats(0, 1)), max_size=6), anywhere)
def test_of_many_predicted_boxes(some: list[tuple[Box, str, float]], prompt: Prompt) -> None:
    instances = tuple(Instance(label, box, score, keypoints=(Keypoint("tip", 1, 1),)) for box, label, score in some)
    model: Any = SimpleNamespace(predict=lambda frames: [Prediction(1, instances, 0.5)])
    control = control_of("RectangleLabels")
    with patch.object(fallback_chain, "_by_picture", lambda *_: None):
        is_the_one(fallback_chain.answer(FRAME, prompt, context_of(control, cast(MicroModel, model))), control)


@pytest.mark.parametrize("label", LABELS)
def test_of_points_that_hang_on_nothing_a_click_gets_the_named_one(label: str) -> None:
    control = control_of("KeyPointLabels")
    assert control.head is Head.POSE
    point = Instance("", (0, 0, 9, 9), 0.9, keypoints=(Keypoint(label, 3, 3),))
    items = prompts.write(Question("keypoint", (), label, control), replace(point, label=label), (WIDTH, HEIGHT), "x")
    assert [item["value"]["keypointlabels"] for item in items] == [[label]]
