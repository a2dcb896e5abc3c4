import math
from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from backend.errors import LabelingConfigError
from backend.studio import regions, tags
from backend.studio.regions.rectangle import SMALLEST_PIXELS, box_of
from backend.types import Control, Head, Instance

BOXES = Control("label", "image", "RectangleLabels", Head.DETECTION, ("A", "B"), "image")
PAIR = Control("rect", "image", "Rectangle", Head.DETECTION, ("A", "B"), "image", labels_from="kind")


def item(**fields: Any) -> dict[str, Any]:
    value = {"x": 10, "y": 20, "width": 30, "height": 40, "rotation": 0, "rectanglelabels": ["A"]}
    value |= fields.pop("value", {})
    plain = {"id": "r1", "from_name": "label", "to_name": "image", "type": "rectanglelabels"}
    return {**plain, "original_width": 200, "original_height": 100, "image_rotation": 0, "value": value, **fields}


def read(*items: dict[str, Any], control: Control = BOXES, size: tuple[int, int] | None = None) -> regions.ReadResult:
    return tags.for_control(control).read(items, control, size)


def test_nothing() -> None:
    assert read() == regions.ReadResult((), ())
    assert tags.for_control(BOXES).write([], BOXES, (10, 10)) == []


def test_percent_to_pixels() -> None:
    assert read(item()).instances == (Instance("A", (20.0, 20.0, 80.0, 60.0), region_id="r1"),)


def test_size_of_the_image_counts_more_than_that_in_the_region() -> None:
    assert read(item(), size=(1000, 1000)).instances[0].box == (100.0, 200.0, 400.0, 600.0)
    found = read(item(original_width=None, original_height=None), size=(100, 100))
    assert found.instances[0].box == (10.0, 20.0, 40.0, 60.0)


def test_turned_view_changes_nothing() -> None:
    assert read(item(image_rotation=90)) == read(item())


def test_a_persons_region_has_score_1_though_it_keeps_the_predictions() -> None:
    assert read(item(score=0.3)).instances[0].score == 1


def test_other_controls_and_types_are_none_of_ours() -> None:
    others = [item(from_name="x"), item(type="choices"), {"type": "relation", "from_id": "a"}, {}]
    assert read(*others) == regions.ReadResult((), ())


@pytest.mark.parametrize(
    ("fields", "problem"),
    [
        ({"value": {"rectanglelabels": ["C"]}}, "unknown label 'C'; expected one of: A, B"),
        ({"value": {"rectanglelabels": []}}, "has no label"),
        ({"value": {"rectanglelabels": None}}, "has no label"),
        ({"value": {"width": 0, "height": 0}}, "0.00 x 0.00 pixels"),
        ({"value": {"height": 0}}, "60.00 x 0.00 pixels"),
        ({"value": {"x": 120}}, "outside the image"),
        ({"value": {"y": -60}}, "outside the image"),
        ({"value": {"x": "left"}}, "no numbers"),
        ({"value": {"x": float("nan")}}, "no numbers"),
        ({"original_width": 0}, "size of the image is not known"),
        ({"original_width": None}, "size of the image is not known"),
        ({"item_index": 1}, "multi-image"),
    ],
)
def test_unusable_regions_are_problems_and_cost_no_other(fields: dict[str, Any], problem: str) -> None:
    found = read(item(**fields), item(id="good"))
    assert [instance.region_id for instance in found.instances] == ["good"]
    assert len(found.problems) == 1
    assert problem in found.problems[0]
    assert "r1" in found.problems[0]


def test_value_that_is_none() -> None:
    assert "no numbers" in read({**item(), "value": None}).problems[0]


def test_box_partly_outside_is_clipped() -> None:
    found = read(item(value={"x": -10, "y": 80, "width": 50, "height": 50}))
    assert found.instances[0].box == (0.0, 80.0, 80.0, 100.0)


def test_several_labels_are_several_instances() -> None:
    found = read(item(value={"rectanglelabels": ["B", "A", "B"]}))
    assert [instance.label for instance in found.instances] == ["B", "A"]


def test_of_two_boxes_with_one_id_the_first_counts_and_the_other_is_told_of() -> None:
    found = read(item(), item(value={"x": 50}))
    assert found.instances == read(item()).instances
    assert "2 have this id" in found.problems[0]
    assert read(item(), item(id="other")).problems == ()


def test_regions_without_ids_stay_apart() -> None:
    found = read(item(id=None), item(id=None, value={"x": 50}), item(id=""))
    assert len(found.instances) == 3
    assert {instance.region_id for instance in found.instances} == {None}


def test_rotation_is_clockwise_about_the_left_top_corner() -> None:
    # 60 x 40 pixels at (100, 20), turned by 90 degrees: 40 to the left, 60 down.
    found = read(item(value={"x": 50, "rotation": 90, "height": 40}))
    assert found.instances[0].box == pytest.approx((60.0, 20.0, 100.0, 80.0))
    assert found.instances[0].angle == 0.0


@pytest.mark.parametrize(
    ("rotation", "angle", "sides"),
    [(30, 30, (60, 40)), (45, 45, (60, 40)), (60, -30, (40, 60)), (-45, 45, (40, 60)), (200, 20, (60, 40))],
)
def test_a_turned_box_keeps_its_middle_and_is_turned_by_45_degrees_at_most(
    rotation: float, angle: float, sides: tuple[float, float]
) -> None:
    [found] = read(item(value={"x": 50, "y": 50, "height": 40, "rotation": rotation}), size=(200, 100)).instances
    x0, y0, x1, y1 = found.box
    turn = math.radians(rotation)
    middle = 100 + 30 * math.cos(turn) - 20 * math.sin(turn), 50 + 30 * math.sin(turn) + 20 * math.cos(turn)
    assert ((x0 + x1) / 2, (y0 + y1) / 2) == pytest.approx(middle)
    assert (x1 - x0, y1 - y0) == pytest.approx(sides)
    assert found.angle == pytest.approx(angle)


def test_what_a_turned_box_reaches_out_of_the_image_belongs_to_it_and_not_to_its_bounding_box() -> None:
    turned = item(value={"x": 0, "y": 0, "width": 40, "height": 20, "rotation": 30})
    [found] = read(turned, size=(100, 100)).instances
    assert min(x for x, _ in found.corners) < 0
    assert box_of(turned, (100, 100)) == pytest.approx((0.0, 0.0, *found.bounds[2:]))


def test_pair_is_two_items_with_one_id() -> None:
    geometry = item(from_name="rect", type="rectangle")
    label = item(from_name="kind", type="labels", value={"labels": ["B"]})
    del geometry["value"]["rectanglelabels"], label["value"]["rectanglelabels"]
    ellipse = {**label, "id": "other"}
    for items in ([geometry, label], [label, geometry]):
        assert read(*items, ellipse, control=PAIR).instances == (
            Instance("B", (20.0, 20.0, 80.0, 60.0), region_id="r1"),
        )
    assert "no label" in read(geometry, control=PAIR).problems[0]


def test_pair_merged_into_one_item() -> None:
    assert read(item(from_name="kind"), control=PAIR).instances[0].label == "A"


def test_unknown_control() -> None:
    with pytest.raises(LabelingConfigError, match="RectangleLabels, Rectangle"):
        tags.for_control(Control("c", "i", "Taxonomy", Head.CLASSIFICATION, (), "image"))


def test_written_items_are_whole() -> None:
    written = tags.for_control(BOXES).write([Instance("A", (20.0, 20.0, 80.0, 60.0), 0.25)], BOXES, (200, 100))
    assert len(written) == 1
    id_ = written[0].pop("id")
    assert len(id_) == 10
    assert written[0] == {
        "from_name": "label",
        "to_name": "image",
        "type": "rectanglelabels",
        "original_width": 200,
        "original_height": 100,
        "image_rotation": 0,
        "score": 0.25,
        "value": {"x": 10.0, "y": 20.0, "width": 30.0, "height": 40.0, "rotation": 0, "rectanglelabels": ["A"]},
    }


@pytest.mark.parametrize(
    "box", [(-9.0, 0.0, -1.0, 5.0), (5.0, 5.0, 5.0, 9.0), (math.nan, 0.0, 5.0, 5.0), (9.0, 9.0, 1.0, 1.0)]
)
def test_boxes_without_anything_inside_are_not_written(box: tuple[float, float, float, float]) -> None:
    assert tags.for_control(BOXES).write([Instance("A", box)], BOXES, (10, 10)) == []


sizes = st.tuples(st.integers(1, 20_000), st.integers(1, 20_000))
edges = st.floats(-100, 20_100, width=32)
written_boxes = st.lists(
    st.builds(
        Instance,
        label=st.sampled_from(["A", "B"]),
        box=st.tuples(edges, edges, edges, edges),
        score=st.floats(-1, 2),
        region_id=st.none() | st.sampled_from(["x", "y"]),
    ),
    max_size=5,
)


@given(written_boxes, sizes, st.sampled_from([BOXES, PAIR]))
def test_written_regions_have_sane_values_and_unique_ids(
    instances: list[Instance], size: tuple[int, int], control: Control
) -> None:
    written = tags.for_control(control).write(instances, control, size)
    for region in written:
        value = region["value"]
        assert 0 <= value["x"] <= value["x"] + value["width"] <= 100 + 1e-9
        assert 0 <= value["y"] <= value["y"] + value["height"] <= 100 + 1e-9
        assert value["width"] > 0
        assert value["height"] > 0
        assert 0 <= region["score"] <= 1
    ids = [region["id"] for region in written if region["from_name"] == control.from_name]
    assert len(ids) == len(set(ids))


@given(st.data(), sizes, st.sampled_from([BOXES, PAIR]))
def test_round_trip(data: st.DataObject, size: tuple[int, int], control: Control) -> None:
    def span(length: int) -> tuple[float, float]:
        start = data.draw(st.floats(0, length))
        return start, data.draw(st.floats(start, length))

    (x0, x1), (y0, y1) = span(size[0]), span(size[1])
    assume(min(x1 - x0, y1 - y0) >= SMALLEST_PIXELS + 0.01)
    instance = Instance("B", (x0, y0, x1, y1), region_id="kept")
    result = tags.for_control(control)
    found = result.read(result.write([instance], control, size), control, size)
    assert found.problems == ()
    assert (found.instances[0].label, found.instances[0].region_id) == ("B", "kept")
    assert found.instances[0].box == pytest.approx((x0, y0, x1, y1), abs=0.005)


@given(st.tuples(st.floats(20, 80), st.floats(20, 80), st.floats(2, 30), st.floats(2, 30)), st.floats(-44.9, 45), sizes)
def test_turned_boxes_round_trip(place: tuple[float, ...], angle: float, size: tuple[int, int]) -> None:
    assume(abs(angle) > 0.01 and min(size) > 50)
    x, y, width, height = (side * size[n % 2] / 100 for n, side in enumerate(place))
    instance = Instance("B", (x - width / 2, y - height / 2, x + width / 2, y + height / 2), angle=angle)
    result = tags.for_control(BOXES)
    [found] = result.read(result.write([instance], BOXES, size), BOXES, size).instances
    assert found.box == pytest.approx(instance.box, abs=0.02)
    assert found.angle == pytest.approx(angle, abs=0.001)


@given(
    st.tuples(*[st.floats(-300, 300)] * 4, st.floats(-720, 720)), st.tuples(st.integers(1, 5000), st.integers(1, 5000))
)
def test_whatever_is_read_lies_inside_the_image(value: tuple[float, ...], size: tuple[int, int]) -> None:
    keys = ("x", "y", "width", "height", "rotation")
    found = read(item(value=dict(zip(keys, value, strict=True))), size=size)
    assert len(found.instances) + len(found.problems) == 1
    for instance in found.instances:
        assert -45 < instance.angle <= 45
        x0, y0, x1, y1 = instance.bounds
        within = (0, 0, *size) if not instance.angle else (-np.inf, -np.inf, np.inf, np.inf)
        assert within[0] <= x0 < x1 <= within[2]
        assert within[1] <= y0 < y1 <= within[3]
        assert max(x0, 0) < min(x1, size[0])
        assert max(y0, 0) < min(y1, size[1])


@given(
    st.dictionaries(
        st.sampled_from(list(item())), st.none() | st.integers() | st.text(max_size=3) | st.lists(st.none())
    )
)
def test_never_raises(damage: dict[str, Any]) -> None:
    read({**item(), **damage})
    read({**item(), "value": {**item()["value"], **damage}})
