import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.studio import prompts, tags
from backend.studio.labeling_config import parse
from backend.studio.prompts import Question, is_prompt, question
from backend.types import Instance, Keypoint

SIZE = (200, 100)
IMAGE = '<Image name="image" value="$image"/>'


def view(*controls: str) -> str:
    return f"<View>{IMAGE}{''.join(controls)}</View>"


def tag(kind: str, name: str, *labels: str, smart: bool = False) -> str:
    inner = "".join(f'<Label value="{label}"/>' for label in labels)
    return f'<{kind} name="{name}" toName="image"{" smart=" + chr(34) + "true" + chr(34) if smart else ""}>{inner}</{kind}>'


BOXES = tag("RectangleLabels", "box", "cat", "dog", smart=True)
CLICKS = tag("KeyPointLabels", "click", "cat", "dog", smart=True)
MASKS = tag("BrushLabels", "mask", "cat", "dog")
SAM = view(MASKS, CLICKS, BOXES)


def rectangle(x: float = 10, y: float = 20, width: float = 30, height: float = 40, **other: Any) -> dict[str, Any]:
    value = {"x": x, "y": y, "width": width, "height": height, "rotation": 0, "rectanglelabels": ["cat"]}
    return {"id": "r1", "from_name": "box", "to_name": "image", "type": "rectanglelabels", "value": value, **other}


def click(x: float, y: float, positive: bool = True, label: str = "cat") -> dict[str, Any]:
    value = {"x": x, "y": y, "width": 0.5, "labels": [label], "keypointlabels": [label]}
    common = {"id": f"k{x}-{y}", "from_name": "click", "to_name": "image", "type": "keypointlabels"}
    return {**common, "value": value, "is_positive": positive}


def ask(xml: str, *items: dict[str, Any], **context: Any) -> Question | None:
    return question({"result": list(items), **context}, xml, parse(xml))


def test_an_ordinary_request_is_no_prompt() -> None:
    assert not is_prompt(None)
    assert not is_prompt({})
    assert is_prompt({"result": []})
    assert is_prompt({"event": "prewarm"})


@pytest.mark.parametrize(
    "context",
    [
        {"result": []},
        {"result": None},
        {"result": {}},
        {"result": [None, 3, "x", {}]},
        {"event": "track", "result": [rectangle()]},
        {"event": "predict", "frame": 3},
        {"result": [rectangle(from_name="nobody")]},
        {"result": [rectangle(from_name=None)]},
        {"result": [rectangle(from_name="mask")]},
        {"result": [{**rectangle(), "value": {"rectanglelabels": ["horse"]}}]},
        {"result": [{**rectangle(), "type": "choices"}]},
        {"result": [{**rectangle(), "value": {"x": 1, "y": 1, "width": 1, "height": 1}}]},
    ],
)
def test_what_nobody_can_answer_is_asked_of_nobody(context: dict[str, Any]) -> None:
    assert question(context, SAM, parse(SAM)) is None


def test_without_a_label_the_only_one_is_meant() -> None:
    xml = view(tag("BrushLabels", "mask", "cat"), tag("RectangleLabels", "box", "cat", smart=True))
    drawn = {**rectangle(), "value": {"x": 1, "y": 1, "width": 9, "height": 9}}
    asked = ask(xml, drawn)
    assert asked is not None
    assert asked.label == "cat"


@pytest.mark.parametrize(
    ("xml", "item", "control", "hung"),
    [
        (SAM, rectangle(), "mask", None),
        (SAM, click(50, 50), "mask", None),
        (view(BOXES), rectangle(), "box", None),
        (view(BOXES, CLICKS), click(50, 50), "box", None),
        (view(tag("PolygonLabels", "mask", "cat"), BOXES), rectangle(), "mask", None),
        (view(BOXES, tag("KeyPointLabels", "points", "head", "tail")), rectangle(), "box", "points"),
        (
            view(tag("RectangleLabels", "b", "fly"), tag("KeyPointLabels", "click", "cat", "dog")),
            click(5, 5),
            "click",
            None,
        ),
    ],
)
def test_the_answer_has_the_form_of_the_target_control(
    xml: str, item: dict[str, Any], control: str, hung: str | None
) -> None:
    asked = ask(xml, item)
    assert asked is not None
    assert asked.control.from_name == control
    assert (asked.points and asked.points.from_name) == hung


def test_several_clicks_are_one_prompt() -> None:
    asked = ask(SAM, click(10, 10, label="dog"), click(20, 20), click(90, 90, positive=False), click(30, 40))
    assert asked is not None
    prompt = prompts.prompt(asked, SIZE)
    assert prompt is not None
    assert prompt.inside == ((40, 20), (60, 40))
    assert prompt.outside == ((180, 90),)


def test_a_click_that_says_only_what_is_not_meant_asks_for_nothing() -> None:
    asked = ask(SAM, click(10, 10, positive=False))
    assert asked is not None
    assert prompts.prompt(asked, SIZE) is None


@pytest.mark.parametrize(
    "item", [click(150, 20), rectangle(x=120), rectangle(width=0), rectangle(x=math.nan), click(math.inf, 1)]
)
def test_outside_of_the_image_there_is_nothing(item: dict[str, Any]) -> None:
    asked = ask(SAM, item)
    assert asked is not None
    assert prompts.prompt(asked, SIZE) is None


def test_an_ellipse_is_an_outline_and_paint_is_a_stroke() -> None:
    ellipse = {"x": 50, "y": 50, "radiusX": 10, "radiusY": 20, "rotation": 0, "ellipselabels": ["cat"]}
    smart = tag("EllipseLabels", "round", "cat", smart=True)
    common = {"id": "e", "to_name": "image"}
    asked = ask(view(MASKS, smart), {**common, "from_name": "round", "type": "ellipselabels", "value": ellipse})
    assert asked is not None
    assert asked.control.from_name == "round", "the tool's own control holds masks"
    drawn = prompts.prompt(asked, SIZE)
    assert drawn is not None
    assert drawn.outline is not None
    assert drawn.outline[50, 100]
    paint = np.zeros((100, 200), bool)
    paint[40:60, 20:30] = True
    brush = parse(view(tag("BrushLabels", "mask", "cat"))).controls[0]
    [item] = tags.for_control(brush).write([Instance("cat", (20, 40, 30, 60), mask=paint)], brush, SIZE)
    asked = ask(view(tag("BrushLabels", "mask", "cat", smart=True)), item)
    assert asked is not None
    stroke = prompts.prompt(asked, SIZE)
    assert stroke is not None
    assert np.array_equal(stroke.stroke, paint)


boxes = st.tuples(*[st.floats(0, 0.8)] * 2, *[st.floats(0.1, 1)] * 2)


@given(boxes, st.sampled_from(["BrushLabels", "PolygonLabels", "EllipseLabels", "RectangleLabels"]))
def test_an_answer_is_one_region_with_the_chosen_label_and_a_fresh_id(box: tuple[float, ...], kind: str) -> None:
    xml = view(tag(kind, "answer", "dog", "cat", smart=True))
    x0, y0 = int(box[0] * SIZE[0]), int(box[1] * SIZE[1])
    x1, y1 = min(x0 + int(box[2] * SIZE[0]), SIZE[0]), min(y0 + int(box[3] * SIZE[1]), SIZE[1])
    mask = np.zeros((SIZE[1], SIZE[0]), bool)
    mask[y0:y1, x0:x1] = True
    asked = Question("rectangle", (), "cat", parse(xml).controls[0])
    items = prompts.write(asked, Instance("other", (x0, y0, x1, y1), 0.1, "drawn", mask=mask), SIZE, "somebody")
    assert [item["from_name"] for item in items] == ["answer"]
    assert items[0]["value"][kind.lower()] == ["cat"]
    assert items[0]["id"] not in ("drawn", "r1")
    assert items[0]["meta"] == {"text": ["somebody"]}
    [read] = tags.for_control(asked.control).read(items, asked.control, SIZE).instances
    assert read.label == "cat"
    assert np.allclose(read.box, (x0, y0, x1, y1), atol=40 if kind == "EllipseLabels" else 1)


@given(boxes)
def test_a_box_is_read_in_pixels(box: tuple[float, ...]) -> None:
    asked = ask(SAM, rectangle(*[100 * part for part in box[:2]], *[100 * part for part in box[2:]]))
    assert asked is not None
    read = prompts.prompt(asked, SIZE)
    assert read is not None
    assert read.box is not None
    sides = [box[0], box[1], min(box[0] + box[2], 1), min(box[1] + box[3], 1)]
    assert np.allclose(read.box, np.multiply(sides, [*SIZE, *SIZE]), atol=1e-6)


def test_points_hang_on_the_box_of_the_answer() -> None:
    xml = view(BOXES, tag("KeyPointLabels", "points", "head", "tail"))
    asked = ask(xml, rectangle())
    assert asked is not None
    fly = Instance(
        "", (10, 10, 50, 50), 0.8, "old", keypoints=(Keypoint("head", 20, 20, 0.01, "p"), Keypoint("tail", 30, 30))
    )
    box, head, tail = prompts.write(asked, fly, SIZE, "the group's micro-model")
    assert box["value"]["rectanglelabels"] == ["cat"]
    assert head["parentID"] == tail["parentID"] == box["id"]
    assert len({box["id"], head["id"], tail["id"], "p", "old"}) == 5


json_values = st.recursive(
    st.none() | st.booleans() | st.floats() | st.text(max_size=5) | st.sampled_from(["box", "rectanglelabels", "cat"]),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["id", "x", "type"]), inner, max_size=3)
    ),
    max_leaves=6,
)
items = st.fixed_dictionaries(
    {"type": st.sampled_from(["rectanglelabels", "keypointlabels", "brushlabels", "polygon", "bitmask"])},
    optional=dict.fromkeys(("id", "from_name", "to_name", "is_positive"), json_values)
    | {
        "value": st.dictionaries(st.sampled_from(["x", "y", "width", "height", "rle", "points", "labels"]), json_values)
    },
)


@given(st.lists(items, max_size=4), st.sampled_from(["box", "click", "mask"]))
def test_whatever_is_sent_raises_nothing(drawn: list[dict[str, Any]], name: str) -> None:
    asked = ask(SAM, *({"from_name": name, **item} for item in drawn))
    if asked is not None:
        prompts.prompt(asked, SIZE)


def test_tools_of_no_xml_are_none() -> None:
    assert prompts.tools("<View") == []
    assert {tool.name: tool.smart for tool in prompts.tools(SAM)} == {"mask": False, "click": True, "box": True}
