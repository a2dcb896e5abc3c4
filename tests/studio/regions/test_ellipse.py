from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from backend.pixel_edges import bounding_box
from backend.studio import regions, tags
from backend.types import Control, Head, Instance, Mask
from tests.studio.regions.masks import disk, iou, small

ELLIPSE = Control("round", "image", "EllipseLabels", Head.SEGMENTATION, ("A", "B"), "image")
PAIR = Control("round", "image", "Ellipse", Head.SEGMENTATION, ("A", "B"), "image", labels_from="kind")


def item(**fields: Any) -> dict[str, Any]:
    value = {"x": 50, "y": 50, "radiusX": 20, "radiusY": 10, "rotation": 0, "ellipselabels": ["A"]}
    value |= fields.pop("value", {})
    plain = {"id": "r1", "from_name": "round", "to_name": "image", "type": "ellipselabels"}
    return {**plain, "original_width": 200, "original_height": 100, "image_rotation": 0, "value": value, **fields}


def read(*items: dict[str, Any], control: Control = ELLIPSE, size: tuple[int, int] | None = None) -> regions.ReadResult:
    return tags.for_control(control).read(items, control, size)


def write(mask: Mask, control: Control = ELLIPSE, **fields: Any) -> list[dict[str, Any]]:
    instance = Instance("A", (0.0, 0.0, 1.0, 1.0), mask=mask, **fields)
    return tags.for_control(control).write([instance], control, (mask.shape[1], mask.shape[0]))


def drawn(found: regions.ReadResult) -> Mask:
    assert found.problems == ()
    assert found.instances[0].mask is not None
    return found.instances[0].mask


def test_nothing() -> None:
    assert read() == regions.ReadResult(())
    assert write(np.zeros((3, 4), dtype=np.bool_)) == []


def test_percent_to_pixels() -> None:
    found = read(item())
    assert found.instances == (Instance("A", (60.0, 40.0, 140.0, 60.0), region_id="r1"),)
    assert drawn(found).sum() == pytest.approx(np.pi * 40 * 10, rel=0.01)


def test_rotation_is_in_pixels_clockwise_about_the_centre() -> None:
    assert bounding_box(drawn(read(item(value={"rotation": 90})))) == (90.0, 10.0, 110.0, 90.0)
    turned = drawn(read(item(value={"rotation": 45})))
    assert turned[75, 125]
    assert not turned[25, 125]
    assert (turned == drawn(read(item(value={"rotation": -315})))).all()


def test_written_item_is_whole() -> None:
    (written,) = write(disk(200, 100, 50, 40, 20), region_id="kept", score=0.25)
    value = written.pop("value")
    assert value.pop("ellipselabels") == ["A"]
    assert value.pop("rotation") % 90 == pytest.approx(0, abs=0.5)
    assert value == pytest.approx({"x": 25, "y": 40, "radiusX": 10, "radiusY": 20}, abs=0.2)
    assert written == {
        "id": "kept",
        "from_name": "round",
        "to_name": "image",
        "type": "ellipselabels",
        "original_width": 200,
        "original_height": 100,
        "image_rotation": 0,
        "score": 0.25,
    }


def test_pair_is_two_items_with_one_id() -> None:
    mask = disk(50, 40, 20, 20, 15)
    written = write(mask, PAIR)
    assert [(one["from_name"], one["type"]) for one in written] == [("round", "ellipse"), ("kind", "labels")]
    assert iou(drawn(read(*written, control=PAIR)), mask) > 0.97


@pytest.mark.parametrize(
    ("value", "problem"),
    [
        ({"x": None}, "no numbers"),
        ({"radiusX": "wide"}, "no numbers"),
        ({"radiusY": -3}, "no numbers"),
        ({"radiusY": 1e300}, "no numbers"),
        ({"radiusX": 0, "radiusY": 0}, "covers no pixel"),
        ({"x": 200}, "covers no pixel"),
        ({"ellipselabels": ["C"]}, "unknown label 'C'"),
    ],
)
def test_unusable_regions_are_problems_and_cost_no_other(value: dict[str, Any], problem: str) -> None:
    found = read(item(value=value), item(id="good"))
    assert [instance.region_id for instance in found.instances] == ["good"]
    assert problem in found.problems[0]


def test_claim_of_an_enormous_image_costs_no_memory() -> None:
    found = read(item(original_width=10**9, original_height=10**9))
    assert found.instances == ()
    assert "size of the image is not known" in found.problems[0]


@settings(max_examples=50)
@given(st.floats(8, 25), st.floats(8, 25), st.floats(-360, 360), st.sampled_from([(121, 97), (97, 121)]))
def test_round_trip(right: float, down: float, rotation: float, size: tuple[int, int]) -> None:
    width, height = size
    value = {"radiusX": right * 100 / width, "radiusY": down * 100 / height, "rotation": rotation}
    mask = drawn(read(item(value=value, original_width=width, original_height=height)))
    # Of a small ellipse on the grid, eight alike pixels on the edge are one step of its radius.
    assert iou(drawn(read(*write(mask))), mask) > (0.97 if min(right, down) > 15 else 0.94)


@given(small)
def test_values_are_sane(mask: Mask) -> None:
    for written in write(mask):
        value = written["value"]
        assert 0 <= value["x"] <= 100
        assert 0 <= value["y"] <= 100
        assert 0 < value["radiusX"] <= 50
        assert 0 < value["radiusY"] <= 50
        assert 0 <= value["rotation"] < 360


@given(
    st.dictionaries(
        st.sampled_from([*item(), "x", "radiusX", "rotation"]),
        st.none() | st.integers() | st.floats() | st.text(max_size=3) | st.lists(st.none()),
    )
)
def test_never_raises(damage: dict[str, Any]) -> None:
    read({**item(), **damage}, size=(20, 10))
    read({**item(), "value": {**item()["value"], **damage}}, size=(20, 10))
