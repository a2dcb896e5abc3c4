import math
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.studio import regions, tags
from backend.types import Control, Head, Instance, Keypoint

POINTS = Control("point", "image", "KeyPointLabels", Head.POSE, ("nose", "tail"), "image")
TIED = Control("point", "image", "KeyPointLabels", Head.POSE, ("nose", "tail"), "image", parent="box")


def item(id_: str = "k1", label: str = "nose", x: Any = 50, y: Any = 20, **fields: Any) -> dict[str, Any]:
    plain = {"id": id_, "from_name": "point", "to_name": "image", "type": "keypointlabels"}
    value = {"x": x, "y": y, "width": 0.75, "keypointlabels": [label]}
    return {**plain, "original_width": 200, "original_height": 100, "image_rotation": 0, "value": value, **fields}


def box(id_: str = "b1", **fields: Any) -> dict[str, Any]:
    value = {"x": 10, "y": 20, "width": 30, "height": 40, "rotation": 0, "rectanglelabels": ["mouse"]}
    plain = {"id": id_, "from_name": "box", "to_name": "image", "type": "rectanglelabels", "value": value}
    return {**plain, "original_width": 200, "original_height": 100, **fields}


def read(*items: dict[str, Any], size: tuple[int, int] | None = None) -> regions.ReadResult:
    return tags.for_control(TIED).read(items, TIED, size)


def write(*instances: Instance, control: Control = POINTS, size: tuple[int, int] = (200, 100)) -> list[dict[str, Any]]:
    return tags.for_control(control).write(instances, control, size)


def test_nothing() -> None:
    assert read() == regions.ReadResult(())
    assert write() == []
    assert write(Instance("mouse", (0.0, 0.0, 9.0, 9.0), region_id="b1")) == []


def test_points_on_no_rectangle_are_one_instance() -> None:
    found = read(item(), item("k2", "tail", 10, 60, parentID=""))
    nose, tail = Keypoint("nose", 100.0, 20.0, region_id="k1"), Keypoint("tail", 20.0, 60.0, region_id="k2")
    assert found == regions.ReadResult((Instance("", (20.0, 20.0, 100.0, 60.0), keypoints=(nose, tail)),))


@pytest.mark.parametrize("x", [0, 0.1, 50, 99.9, 100])
def test_box_of_a_single_point_is_a_pixel_inside_the_image(x: float) -> None:
    x0, y0, x1, y1 = read(item(x=x)).instances[0].box
    assert 0 <= x0 <= x * 2 <= x1 <= 200
    assert (x1 - x0, y1 - y0) == pytest.approx((1, 1))


def test_points_hang_on_rectangles() -> None:
    items = [
        item("k1", "nose", 15, 25, parentID="b2"),
        box("b1"),
        box("b2"),
        item("k2", "nose", 20, 30, parentID="b1"),
        item("k3", "tail", 25, 35, parentID="b2"),
        box("without points"),
    ]
    found = read(*items)
    assert found.problems == ()
    assert [(i.region_id, i.label, i.box) for i in found.instances] == [
        ("b2", "mouse", (20.0, 20.0, 80.0, 60.0)),
        ("b1", "mouse", (20.0, 20.0, 80.0, 60.0)),
    ]
    assert [[k.region_id for k in i.keypoints] for i in found.instances] == [["k1", "k3"], ["k2"]]


def test_rectangle_with_labels_as_parent() -> None:
    geometry = box(from_name="r", type="rectangle")
    label = box(from_name="l", type="labels", value={"labels": ["fly"]})
    del geometry["value"]["rectanglelabels"]
    found = read(geometry, label, item(parentID="b1"))
    assert (found.instances[0].label, found.instances[0].region_id) == ("fly", "b1")


@pytest.mark.parametrize(
    "parent", [{"id": "other"}, {"value": None}, {"type": "ellipselabels"}, {"original_width": None}]
)
def test_points_of_a_rectangle_that_is_gone_or_unusable_hang_on_none(parent: dict[str, Any]) -> None:
    found = read({**box(), **parent}, item(parentID="b1"))
    assert found.problems == ()
    assert [(i.label, i.region_id) for i in found.instances] == [("", None)]


def test_second_point_of_a_label() -> None:
    found = read(item(), item("k2"), box(), item("k3", parentID="b1"), item("k4", parentID="b1"))
    assert [[k.region_id for k in i.keypoints] for i in found.instances] == [["k1"], ["k3"]]
    assert len(found.problems) == 2
    assert "k2" in found.problems[0]
    assert "second 'nose'" in found.problems[0]
    assert "parentID" in found.problems[0]
    assert "of region b1" in found.problems[1]


def test_several_points_of_a_label_are_an_object_each_where_no_rectangle_is_asked_for() -> None:
    found = tags.for_control(POINTS).read((item(), item("k2"), item("k3", "tail", 10, 60)), POINTS)
    assert found.problems == ()
    assert [(i.label, i.region_id, len(i.keypoints)) for i in found.instances] == [
        ("nose", "k1", 1), ("nose", "k2", 1), ("tail", "k3", 1),
    ]  # fmt: skip
    ids = [one["id"] for one in write(*found.instances)]
    assert len(set(ids)) == 3


def test_how_many_points_of_a_label_there_are_may_be_said() -> None:
    one, many = replace(POINTS, any_number=False), replace(POINTS, any_number=True)
    found = tags.for_control(one).read((item(), item("k2")), one)
    assert [len(i.keypoints) for i in found.instances] == [1]
    assert len(found.problems) == 1
    found = tags.for_control(many).read((item(), item("k2", "tail")), many)
    assert [i.label for i in found.instances] == ["nose", "tail"]


@pytest.mark.parametrize(
    ("bad", "problem"),
    [
        (item("r1", x=None), "no numbers x and y"),
        (item("r1", y="left"), "no numbers x and y"),
        (item("r1", x=101), "outside the image"),
        (item("r1", label="ear"), "unknown label 'ear'; expected one of: nose, tail"),
        (item("r1", original_width=0), "size of the image is not known"),
        (item("r1", item_index=1), "multi-image"),
    ],
)
def test_unusable_points_are_problems_and_cost_no_other(bad: dict[str, Any], problem: str) -> None:
    found = read(bad, item("good"))
    assert [point.region_id for point in found.instances[0].keypoints] == ["good"]
    assert len(found.problems) == 1
    assert problem in found.problems[0]
    assert "r1" in found.problems[0]


def test_written_item_is_whole() -> None:
    written = write(Instance("", (0.0, 0.0, 1.0, 1.0), keypoints=(Keypoint("nose", 100.0, 20.0, 0.25, "k1"),)))
    assert written == [
        {
            "id": "k1",
            "from_name": "point",
            "to_name": "image",
            "type": "keypointlabels",
            "original_width": 200,
            "original_height": 100,
            "image_rotation": 0,
            "score": 0.25,
            "value": {"x": 50.0, "y": 20.0, "width": 0.75, "keypointlabels": ["nose"]},
        }
    ]


def test_parent_is_written_only_where_there_is_one() -> None:
    point = Keypoint("nose", 5.0, 5.0, region_id="b1")
    tied = Instance("mouse", (0.0, 0.0, 9.0, 9.0), region_id="b1", keypoints=(point,))
    (written,) = write(tied, control=TIED)
    assert written["parentID"] == "b1"
    assert written["id"] != "b1"
    assert "parentID" not in write(tied, control=POINTS)[0]
    assert "parentID" not in write(Instance("", tied.box, keypoints=(point,)), control=TIED)[0]


def test_invisible_points_are_not_invented() -> None:
    places = [(math.nan, 5.0), (5.0, math.inf), (-2.0, 5.0), (5.0, 102.0), (-0.5, 100.5)]
    written = write(Instance("", (0.0, 0.0, 1.0, 1.0), keypoints=tuple(Keypoint("nose", x, y) for x, y in places)))
    assert [(one["value"]["x"], one["value"]["y"]) for one in written] == [(0, 100)]


def test_threshold_of_the_control_is_one_of_points() -> None:
    control = Control("point", "image", "KeyPointLabels", Head.POSE, ("nose", "tail"), "image", score_threshold=0.5)
    points = (Keypoint("nose", 5.0, 5.0, 0.4), Keypoint("tail", 5.0, 5.0, 0.6))
    written = write(Instance("", (0.0, 0.0, 1.0, 1.0), 0.9, keypoints=points), control=control)
    assert [one["value"]["keypointlabels"] for one in written] == [["tail"]]


sizes = st.tuples(st.integers(1, 20_000), st.integers(1, 20_000))


@given(st.data(), sizes)
def test_round_trip(data: st.DataObject, size: tuple[int, int]) -> None:
    def point(label: str) -> Keypoint:
        return Keypoint(label, data.draw(st.floats(0, size[0])), data.draw(st.floats(0, size[1])))

    instances = []
    rectangles = []
    for id_ in data.draw(st.lists(st.sampled_from(["b1", "b2", None]), unique=True, max_size=3)):
        labels = data.draw(st.lists(st.sampled_from(["nose", "tail"]), unique=True, min_size=1))
        label = "mouse" if id_ else ""
        instances.append(Instance(label, (0.0, 0.0, 1.0, 1.0), region_id=id_, keypoints=tuple(map(point, labels))))
        rectangles += [box(id_, original_width=size[0], original_height=size[1])] if id_ else []
    written = write(*instances, control=TIED, size=size)
    assert len({one["id"] for one in written}) == len(written)
    # A rectangle under half a pixel is none: the points of such an image hang on nothing.
    found = read(*written, *rectangles, size=size)
    if min(size) >= 10:
        assert found.problems == ()
        assert [(i.label, i.region_id) for i in found.instances] == [(i.label, i.region_id) for i in instances]
        for was, now in zip(instances, found.instances, strict=True):
            for before, after in zip(was.keypoints, now.keypoints, strict=True):
                assert before.label == after.label
                assert (after.x, after.y) == pytest.approx((before.x, before.y), abs=0.005)


@given(
    st.dictionaries(
        st.sampled_from([*item(), "parentID", "x", "y"]),
        st.none() | st.integers() | st.floats() | st.text(max_size=3) | st.lists(st.none()),
    )
)
def test_never_raises(damage: dict[str, Any]) -> None:
    read({**item(parentID="b1"), **damage}, box(), {**box("k9"), **damage})
    read({**item(), "value": {**item()["value"], **damage}})
