from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.studio import regions, tags
from backend.studio.compare import Region, regions_of, touched
from backend.studio.labeling_config import parse
from backend.studio.regions import limits
from backend.types import Control, Head, Instance, Keypoint, Mask
from tests.studio.regions.masks import blobs, disk, iou, small

VECTOR = Control("v", "image", "VectorLabels", Head.SEGMENTATION, ("A", "B"), "image")
PAIR = Control("v", "image", "Vector", Head.SEGMENTATION, ("A", "B"), "image", labels_from="kind")
CONFIG = """<View><Image name="image" value="$image"/><VectorLabels name="v" toName="image" skeleton="true"
model_points="nose, neck, left: neck, right: neck"><Label value="A"/><Label value="B"/></VectorLabels></View>"""
BOXES, POINTS = parse(CONFIG).controls
SIZE = (200, 100)
SQUARE = [(10, 20), (60, 20), (60, 80), (10, 80)]


def vertex(x: Any, y: Any, **more: Any) -> dict[str, Any]:
    return {"id": f"{x},{y}", "x": x, "y": y, "prevPointId": None, "isBezier": False, **more}


def item(*rows: Any, closed: Any = True, **fields: Any) -> dict[str, Any]:
    value = {"vertices": list(rows), "closed": closed, "vectorlabels": ["A"]}
    plain = {"id": "r1", "from_name": "v", "to_name": "image", "type": "vectorlabels"}
    return {**plain, "original_width": 200, "original_height": 100, "image_rotation": 0, "value": value, **fields}


def skeleton(*places: tuple[float, float], ids: str = "", **fields: Any) -> dict[str, Any]:
    rows = [vertex(x, y) for x, y in places]
    named = [row | {"id": id_} for row, id_ in zip(rows, ids.split(","), strict=True)] if ids else rows
    return item(*named, closed=False, **fields)


def read(*items: dict[str, Any], control: Control = VECTOR, size: tuple[int, int] | None = None) -> regions.ReadResult:
    return tags.for_control(control).read(items, control, size)


def write(*instances: Instance, control: Control = VECTOR, size: tuple[int, int] = SIZE) -> list[dict[str, Any]]:
    return tags.for_control(control).write(instances, control, size)


def masked(mask: Mask, **fields: Any) -> Instance:
    return Instance("A", (0.0, 0.0, 1.0, 1.0), mask=mask, **fields)


def drawn(found: regions.ReadResult) -> Mask:
    assert found.problems == ()
    assert found.instances[0].mask is not None
    return found.instances[0].mask


def one(item: dict[str, Any]) -> Region:
    [region] = regions_of([item])
    return region


@pytest.mark.parametrize("control", [VECTOR, BOXES, POINTS])
def test_nothing(control: Control) -> None:
    assert read(control=control) == regions.ReadResult(())
    assert write(control=control) == []
    assert write(Instance("A", (0.0, 0.0, 2.0, 2.0)), control=control) == []


def test_a_closed_one_is_a_filled_polygon() -> None:
    found = read(item(*(vertex(x, y) for x, y in SQUARE)))
    expected = np.zeros((100, 200), np.bool_)
    expected[20:80, 20:120] = True
    assert np.array_equal(drawn(found), expected)
    assert found.instances[0].box == (20, 20, 120, 80)
    assert found.instances[0].region_id == "r1"


def test_curves_bulge_as_the_editor_draws_them() -> None:
    # Of a circle: control points 0.5523 of the radius away from its four vertices.
    k, r = 0.5523, 30.0
    turns = [((r, 0), (0, 1)), ((0, r), (-1, 0)), ((-r, 0), (0, -1)), ((0, -r), (1, 0))]
    rows = [
        vertex(50 + x, 50 + y, isBezier=True)
        | {"controlPoint1": {"x": 50 + x - k * r * dx, "y": 50 + y - k * r * dy}}
        | {"controlPoint2": {"x": 50 + x + k * r * dx, "y": 50 + y + k * r * dy}}
        for (x, y), (dx, dy) in turns
    ]
    assert iou(drawn(read(item(*rows), size=(100, 100))), disk(100, 100, 50, 50, 30)) > 0.985
    straight = [row | {"isBezier": False} for row in rows]  # handles of a corner mean nothing
    assert drawn(read(item(*straight), size=(100, 100))).sum() == pytest.approx(2 * r * r, rel=0.03)
    half = [rows[0], *straight[1:]]  # one end alone has handles
    assert drawn(read(item(*half), size=(100, 100))).sum() > drawn(read(item(*straight), size=(100, 100))).sum()


@pytest.mark.parametrize(
    ("broken", "said"),
    [
        (item(*(vertex(x, y) for x, y in SQUARE), closed=False), "is a line"),
        (item(vertex(1, 1), vertex(2, 2)), "is a line"),
        (item(), "has no list `vertices`"),
        (item(value={"vectorlabels": ["A"]}), "has no list `vertices`"),
        (item(vertex(1, None)), "without numbers x and y"),
        (item(7), "without numbers x and y"),
        (item(vertex(1, 5_000)), "without numbers x and y"),
        (item(*(vertex(300 + x, y) for x, y in SQUARE)), "covers no pixel"),
        (item(*[vertex(1, 1)] * (limits.MOST_VERTICES + 1)), "expected at most"),
    ],
)
def test_what_is_no_polygon_is_a_problem(broken: dict[str, Any], said: str) -> None:
    found = read(broken, item(*(vertex(x, y) for x, y in SQUARE), id="r2"))
    assert said in found.problems[0]
    assert [instance.region_id for instance in found.instances] == ["r2"]


def test_a_written_polygon_is_closed_as_the_editor_closes_it() -> None:
    [written] = write(masked(disk(200, 100, 50, 50, 30), region_id="kept", score=0.5))
    rows = written["value"]["vertices"]
    assert (written["id"], written["type"], written["value"]["closed"]) == ("kept", "vectorlabels", True)
    assert [row["prevPointId"] for row in rows] == [rows[n - 1]["id"] for n in range(len(rows))]
    assert len({row["id"] for row in rows}) == len(rows)


@given(small | blobs, st.sampled_from([VECTOR, PAIR]))
def test_round_trip_of_polygons(mask: Mask, control: Control) -> None:
    written = write(masked(mask, region_id="kept"), control=control, size=(mask.shape[1], mask.shape[0]))
    found = read(*written, control=control)
    assert found.problems == ()
    assert bool(found.instances) == bool(mask.any())
    if mask.any():
        union = np.logical_or.reduce([i.mask for i in found.instances if i.mask is not None])
        assert iou(np.asarray(union), mask) > 0.9


def test_a_skeleton_is_read_as_its_points_and_as_a_box_around_them() -> None:
    result = skeleton((10, 20), (20, 20), (30, 60), (10, 60))
    [points] = read(result, control=POINTS).instances
    assert [(p.label, p.x, p.y) for p in points.keypoints] == [
        ("nose", 20, 20), ("neck", 40, 20), ("left", 60, 60), ("right", 20, 60)
    ]  # fmt: skip
    [box] = read(result, control=BOXES).instances
    assert (box.label, box.region_id, box.keypoints) == ("A", "r1", ())
    assert box.box == points.box
    assert box.box == pytest.approx((20 - 5.66, 20 - 5.66, 60 + 5.66, 60 + 5.66), abs=0.01)


@pytest.mark.parametrize(
    ("ids", "names"),
    [
        ("nose,neck,left,right", ["nose", "neck", "left", "right"]),
        ("neck,right", ["neck", "right"]),
        ("x,y", ["nose", "neck"]),
        ("right,x,left,y", ["right", "nose", "left", "neck"]),
        ("nose,nose", ["nose", "neck"]),
    ],
)
def test_vertices_are_known_by_their_id_else_by_their_order(ids: str, names: list[str]) -> None:
    places = [(10 * n, 50) for n in range(1 + ids.count(","))]
    [found] = read(skeleton(*places, ids=ids), control=POINTS).instances
    assert [point.label for point in found.keypoints] == names


def test_a_quick_click_that_the_editor_takes_for_two_is_one_point() -> None:
    [found] = read(skeleton((10, 50), (10, 50), (20, 50)), control=POINTS).instances
    assert [(point.label, point.x) for point in found.keypoints] == [("nose", 20), ("neck", 40)]
    [ours] = read(skeleton((10, 50), (10, 50), ids="neck,nose"), control=POINTS).instances
    assert [point.label for point in ours.keypoints] == ["neck", "nose"]


@pytest.mark.parametrize("control", [BOXES, POINTS])
def test_problems_of_skeletons(control: Control) -> None:
    whole = skeleton((10, 20), (20, 20))
    assert "no label" in read(whole | {"value": {**whole["value"], "vectorlabels": []}}, control=control).problems[0]
    assert "lies outside" in read(skeleton((-9, 20), (120, 20)), control=control).problems[0]
    assert "no list" in read(item(closed=False), control=control).problems[0]
    unknown = {key: value for key, value in whole.items() if not key.startswith("original")}
    assert "is not known" in read(unknown, control=control).problems[0]
    partly = read(skeleton((10, 20), (120, 20)), control=control)
    assert len(partly.instances) == 1
    single = read(skeleton((100, 100)), control=control).instances[0].box
    assert (single[2] - single[0], single[2]) == (0.5, 200)


@pytest.mark.parametrize("control", [BOXES, POINTS])
def test_a_skeleton_whose_label_is_left_alone_is_none_of_ours(control: Control) -> None:
    dirt = skeleton((10, 20), (20, 20)) | {"value": {**skeleton((10, 20))["value"], "vectorlabels": ["dirt"]}}
    assert read(dirt, control=replace(control, left_alone=("dirt",))) == regions.ReadResult(())


def test_more_vertices_than_names() -> None:
    found = read(skeleton(*((n, n) for n in range(1, 6))), control=POINTS)
    assert found.problems == ("region r1 of 'v': has 5 vertices; model_points names 4: nose, neck, left, right",)
    foreign = skeleton((1, 1)) | {"value": {**skeleton((1, 1))["value"], "vectorlabels": ["skipped"]}}
    assert read(foreign, control=BOXES).problems == ("region r1 of 'v': has no label that is learnt",)


def keypoints(**scores: float) -> tuple[Keypoint, ...]:
    return tuple(Keypoint(name, 10.0 * n, 50.0, score) for n, (name, score) in enumerate(scores.items()))


@pytest.mark.parametrize(
    ("shown", "joined"),
    [
        ({"nose": 1, "neck": 1, "left": 1, "right": 1}, [None, "nose", "neck", "neck"]),
        ({"right": 1, "left": 1, "nose": 1}, [None, "nose", "nose"]),
        ({"left": 1, "right": 1}, [None, "left"]),
        ({"nose": 1, "neck": 0.1, "right": 1}, [None, "nose"]),
        ({"nose": 0.1}, None),
    ],
)
def test_written_points_hang_on_the_nearest_one_shown(shown: dict[str, float], joined: list[str | None] | None) -> None:
    control = replace(POINTS, score_threshold=0.5)
    written = write(Instance("B", (0, 0, 9, 9), 0.7, "box", keypoints=keypoints(**shown)), control=control)
    if joined is None:
        assert written == []
        return
    assert (written[0]["id"], written[0]["value"]["vectorlabels"], written[0]["score"]) == ("box", ["B"], 0.7)
    assert [row["prevPointId"] for row in written[0]["value"]["vertices"]] == joined


def test_boxes_of_skeletons_are_never_shown() -> None:
    assert write(Instance("A", (0, 0, 50, 50), region_id="b"), control=BOXES) == []


inside = st.tuples(st.floats(0, 200), st.floats(0, 100))


@given(st.dictionaries(st.sampled_from(POINTS.labels), inside, min_size=1), st.sampled_from(["", "kind"]))
def test_round_trip_of_skeletons(places: dict[str, tuple[float, float]], kind: str) -> None:
    control = replace(POINTS, tag="Vector", labels_from="kind") if kind else POINTS
    points = tuple(Keypoint(name, x, y) for name, (x, y) in places.items())
    written = write(Instance("B", (0, 0, 9, 9), region_id="kept", keypoints=points), control=control)
    found = read(*written, control=control)
    assert found.problems == ()
    [back] = found.instances
    assert (back.label, back.region_id) == ("B", "kept")
    assert {p.label: (p.x, p.y) for p in back.keypoints} == {
        name: pytest.approx(place, abs=0.001) for name, place in places.items()
    }


def test_each_point_of_a_skeleton_that_is_touched_counts_and_a_polygon_counts_once() -> None:
    shown = skeleton((10, 20), (20, 20), (30, 60), ids="nose,neck,left")
    moved = skeleton((10, 20), (21, 20), (30, 61), ids="nose,neck,left")
    added = skeleton((10, 20), (20, 20), (30, 60), (9, 9), ids="nose,neck,left,new")
    assert [touched(one(shown), one(other)) for other in (shown, moved, added)] == [0, 2, 1]
    assert (one(shown).strokes, one(shown).covers) == (3, 3)
    square = item(*(vertex(x, y) for x, y in SQUARE))
    other = item(*(vertex(x + 1, y) for x, y in SQUARE))
    assert [touched(one(square), one(end)) for end in (square, other, shown)] == [0, 1, 1]
    assert (one(square).strokes, one(square).covers) == (1, 1)
    bent = item(vertex(*SQUARE[0], isBezier=True, controlPoint1={"x": 1, "y": 1}), *(vertex(*c) for c in SQUARE[1:]))
    assert touched(one(square), one(bent)) == 1


ANY = st.none() | st.integers() | st.floats() | st.text(max_size=3)
ROW = st.dictionaries(st.sampled_from(["id", "x", "y", "isBezier", "controlPoint1", "controlPoint2"]), ANY) | ANY


@given(st.lists(ROW, max_size=4) | ANY, ANY, st.sampled_from([VECTOR, BOXES, POINTS]))
def test_never_raises(rows: Any, closed: Any, control: Control) -> None:
    strange = item() | {"value": {"vertices": rows, "closed": closed, "vectorlabels": ["A"]}}
    read(strange, control=control)
    assert touched(one(strange), one(skeleton((1, 1)))) >= 0
