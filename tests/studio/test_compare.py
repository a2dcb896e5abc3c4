from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from label_studio_sdk.converter import brush

from backend.studio.compare import Region, regions_of, touched
from backend.studio.regions.comparison import TOLERANCE

BOX = {"x": 10.0, "y": 20.0, "width": 30.0, "height": 40.0, "rotation": 0}


def item(kind: str, value: Any, id: Any = "r1", name: Any = "label", **more: Any) -> dict[str, Any]:
    return {"id": id, "from_name": name, "to_name": "image", "type": kind, "value": value, **more}


def box(label: str = "cat", id: str = "r1", **value: Any) -> dict[str, Any]:
    return item("rectanglelabels", {**BOX, "rectanglelabels": [label], **value}, id)


def mask(pixels: np.ndarray[Any, Any], id: str = "r1") -> dict[str, Any]:
    rle = [int(v) for v in brush.mask2rle(pixels.astype(np.uint8) * 255)]  # type: ignore[no-untyped-call]
    return item("brushlabels", {"format": "rle", "rle": rle, "brushlabels": ["cat"]}, id)


def track(*frames: int, end: bool = False, count: int = 10, **value: Any) -> dict[str, Any]:
    rows = [{**BOX, "frame": f, "enabled": not (end and f == frames[-1]), "time": f / 10} for f in frames]
    return item("videorectangle", {"framesCount": count, "sequence": rows, "labels": ["cat"], **value}, name="box")


def one(*items: dict[str, Any]) -> Region:
    [region] = regions_of(list(items))
    return region


@pytest.mark.parametrize(
    "damaged",
    [
        {},
        {"type": "textarea", "from_name": "t", "value": {"text": ["x"]}},
        {"type": 3, "from_name": "label"},
        {"type": "rectanglelabels", "from_name": None},
        {"type": "choices", "from_name": "c", "value": {"choices": []}},
        {"type": "relation", "from_id": "a", "to_id": "b"},
    ],
)
def test_what_is_no_region_is_left_out(damaged: dict[str, Any]) -> None:
    assert regions_of([damaged]) == []


def test_regions_without_a_value_or_an_id_are_regions_of_their_own() -> None:
    found = regions_of([item("rectanglelabels", None), box(id=""), box(id="")])
    assert len({region.key for region in found}) == 3
    assert [region.label for region in found] == ["", "cat", "cat"]


def test_a_rectangle_and_its_labels_are_one_region() -> None:
    region = one(item("rectangle", BOX, name="box"), item("labels", {**BOX, "labels": ["cat"]}, name="tags"))
    assert (region.control, region.label, region.shape) == ("box", "cat", "rectangle")


def test_a_choice_of_the_whole_image_is_known_by_its_control() -> None:
    before, after = (one(item("choices", {"choices": [c]}, id=i, name="c")) for c, i in (("day", "a"), ("night", "b")))
    assert before.key == after.key
    assert (before.labels, after.labels) == ({"day"}, {"night"})
    assert touched(before, after) == 0


@pytest.mark.parametrize(("kind", "classes"), [("choices", ["day"]), ("taxonomy", [["day"]])])
def test_a_class_of_a_region_stands_beside_it(kind: str, classes: Any) -> None:
    found = regions_of([box(), item(kind, {kind: classes}, name="c")])
    assert [(region.key, region.label, region.is_attribute) for region in found] == [
        (("label", "r1"), "cat", False),
        (("c", "r1"), "day", True),
    ]
    assert [(region.strokes, region.covers) for region in found] == [(1, 1), (1, 1)]


@pytest.mark.parametrize(
    "attribute",
    [
        item("choices", {**BOX, "choices": ["occluded"]}, name="state"),
        item("taxonomy", {**BOX, "taxonomy": [["a", "b"]]}, name="state"),
        item("textarea", {**BOX, "text": ["x"]}, name="state"),
        item("rating", {**BOX, "rating": 3}, name="state"),
        item("number", {**BOX, "number": 3}, name="state"),
    ],
)
def test_an_attribute_of_a_region_is_not_its_label(attribute: dict[str, Any]) -> None:
    drawn = [[r for r in regions_of(some) if not r.is_attribute] for some in ([box(), attribute], [attribute, box()])]
    assert drawn == [[one(box())], [one(box())]]


@pytest.mark.parametrize(
    "attribute",
    [
        item("taxonomy", {**BOX, "taxonomy": [["a", "b"]]}, name="state"),
        item("textarea", {**BOX, "text": ["x"]}, name="state"),
        item("rating", {**BOX, "rating": 3}, name="state"),
        item("choices", {"choices": []}, name="state"),
        item("taxonomy", {"taxonomy": [["a"]]}, id="no region", name="state"),
    ],
)
def test_what_no_micro_model_says_of_a_region_does_not_count(attribute: dict[str, Any]) -> None:
    assert regions_of([box(), attribute]) == [one(box())]


def test_an_attribute_of_a_region_that_no_micro_model_makes_is_no_choice_of_the_image() -> None:
    assert regions_of([item("cube", {}), item("choices", {"choices": ["day"]}, name="c")]) == []


def test_several_labels_of_a_region_are_one_set() -> None:
    region = one(box(rectanglelabels=["dog", "cat", "dog"]))
    assert region.label == "cat, dog"


@pytest.mark.parametrize("key", ["x", "y", "width", "height"])
def test_a_box_is_the_same_within_rounding(key: str) -> None:
    assert touched(one(box()), one(box(**{key: BOX[key] + 0.9 * TOLERANCE}))) == 0
    assert touched(one(box()), one(box(**{key: BOX[key] + 1.1 * TOLERANCE}))) == 1


@pytest.mark.parametrize(("rotation", "moves"), [(0, 0), (360, 0), (None, 0), (-0.001, 0), (3, 1), (180, 1)])
def test_rotations(rotation: Any, moves: int) -> None:
    assert touched(one(box()), one(box(rotation=rotation))) == moves


def test_ellipses() -> None:
    value = {"x": 50, "y": 50, "radiusX": 10, "radiusY": 5, "ellipselabels": ["cat"]}
    ellipse = one(item("ellipselabels", value))
    assert touched(ellipse, one(item("ellipselabels", {**value, "rotation": 0}))) == 0
    assert touched(ellipse, one(item("ellipselabels", {**value, "radiusX": 11}))) == 1


def test_points_are_where_they_are_however_large() -> None:
    value = {"x": 50, "y": 50, "width": 0.75, "keypointlabels": ["nose"]}
    point = one(item("keypointlabels", value, parentID="r9"))
    assert touched(point, one(item("keypointlabels", {**value, "width": 0.3}, parentID="r8"))) == 0
    assert touched(point, one(item("keypointlabels", {**value, "y": 50.1}))) == 1


@pytest.mark.parametrize(
    ("points", "moves"),
    [
        ([[1, 1], [9, 1], [5, 9]], 0),
        ([[1, 1], [9, 1.001], [5, 9]], 0),
        ([[1, 1], [9, 1], [9, 2], [5, 9]], 1),
        ([[1, 1], [9, 2], [5, 9]], 1),
        (None, 1),
        ([[1, "a"]], 1),
        ([[1], [2, 3]], 1),
    ],
)
def test_a_vertex_added_or_moved_is_a_change_whatever_origin_says(points: Any, moves: int) -> None:
    drawn = one(item("polygonlabels", {"points": points, "polygonlabels": ["cat"]}, origin="prediction"))
    shown = one(item("polygonlabels", {"points": [[1, 1], [9, 1], [5, 9]], "polygonlabels": ["cat"]}))
    assert touched(shown, drawn) == moves
    assert touched(shown, shown) == touched(drawn, drawn) == 0


def test_masks_by_overlap() -> None:
    pixels = np.zeros((40, 60), np.bool_)
    pixels[5:35, 5:50] = True
    stroke = pixels.copy()
    stroke[5:35, 50:52] = True
    assert touched(one(mask(pixels)), one(mask(stroke))) == 1
    one_pixel = pixels.copy()
    one_pixel[5, 5] = False
    assert touched(one(mask(pixels)), one(mask(one_pixel))) == 0
    assert touched(one(mask(pixels)), one(mask(pixels[:, :50]))) == 1
    soft = {"format": "rle", "rle": list(mask(pixels)["value"]["rle"]), "brushlabels": ["cat"]}
    assert touched(one(mask(pixels)), one(item("brushlabels", soft))) == 0


@pytest.mark.parametrize("rle", [None, [], [0, 0, 0, 200, 1], "text", [300], [255, 255, 255, 255, 0]])
def test_a_damaged_mask_is_another_one(rle: Any) -> None:
    pixels = np.ones((4, 4), np.bool_)
    assert touched(one(mask(pixels)), one(item("brushlabels", {"rle": rle, "brushlabels": ["cat"]}))) == 1


def test_another_shape_is_a_redraw() -> None:
    assert touched(one(box()), one(item("polygonlabels", {"points": [[1, 1]], "polygonlabels": ["cat"]}))) == 1


def test_a_track_counts_its_keyframes() -> None:
    assert touched(one(track(1, 5)), one(track(1, 5))) == 0
    assert touched(one(track(1, 5)), one(track(1, 3, 5))) == 1
    assert touched(one(track(1, 5)), one(track(2, 4))) == 4
    assert touched(one(track(1, 5)), one(track(1, 5, end=True))) == 1
    moved = track(1, 5)
    moved["value"]["sequence"][1]["x"] = 12
    assert touched(one(track(1, 5)), one(moved)) == 1
    assert (one(track(1, 5)).strokes, one(box()).strokes, one(track()).strokes) == (2, 1, 1)


@pytest.mark.parametrize(
    ("item_", "frames"),
    [
        (track(1, 5), 10),
        (track(3, 5, end=True), 3),
        (track(9), 2),
        (track(), 1),
        (track(1, 5, framesCount=None), 5),
        (item("timelinelabels", {"ranges": [{"start": 3, "end": 7}], "timelinelabels": ["run"]}), 5),
        (item("timelinelabels", {"ranges": "none", "timelinelabels": ["run"]}), 1),
        (box(), 1),
    ],
)
def test_labels_that_a_region_stands_for(item_: dict[str, Any], frames: int) -> None:
    assert one(item_).covers == frames


def test_a_track_with_two_lifespans() -> None:
    both = track(2, 4, 7, 8)
    both["value"]["sequence"][1]["enabled"] = False
    both["value"]["sequence"][3]["enabled"] = False
    assert one(both).covers == 3 + 2


def test_ranges() -> None:
    def ranges(start: int) -> Region:
        return one(item("timelinelabels", {"ranges": [{"start": start, "end": 9}], "timelinelabels": ["run"]}))

    assert (touched(ranges(1), ranges(1)), touched(ranges(1), ranges(2))) == (0, 1)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=4),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=8,
)
KINDS = st.sampled_from(
    ["rectanglelabels", "ellipselabels", "polygonlabels", "brushlabels", "keypointlabels", "choices",
     "videorectangle", "timelinelabels", "labels"]
)  # fmt: skip
FIELDS = st.sampled_from(
    ["x", "y", "width", "points", "rle", "sequence", "ranges", "choices", "rectanglelabels", "rotation", "labels"]
)
ANYTHING = st.builds(item, KINDS, JSON | st.dictionaries(FIELDS, JSON, max_size=4), st.sampled_from(["a", "b"]) | JSON)


@given(st.lists(ANYTHING, max_size=4), st.lists(ANYTHING, max_size=4))
def test_whatever_an_annotation_holds_is_compared(first: list[Any], second: list[Any]) -> None:
    for a in regions_of(first):
        assert a.covers >= 1
        assert a.strokes >= 1
        for b in regions_of(second):
            assert touched(a, b) >= 0
