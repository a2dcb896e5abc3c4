from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from backend.studio import regions, tags
from backend.types import Control, Head, Instance, Mask
from tests.studio.regions.masks import blobs, disk, iou, small

POLYGON = Control("shape", "image", "PolygonLabels", Head.SEGMENTATION, ("A", "B"), "image")
PAIR = Control("shape", "image", "Polygon", Head.SEGMENTATION, ("A", "B"), "image", labels_from="kind")
SQUARE = [[10, 10], [30, 10], [30, 50], [10, 50]]


def item(**fields: Any) -> dict[str, Any]:
    value = {"points": SQUARE, "closed": True, "polygonlabels": ["A"]} | fields.pop("value", {})
    plain = {"id": "r1", "from_name": "shape", "to_name": "image", "type": "polygonlabels"}
    return {**plain, "original_width": 200, "original_height": 100, "image_rotation": 0, "value": value, **fields}


def read(*items: dict[str, Any], control: Control = POLYGON, size: tuple[int, int] | None = None) -> regions.ReadResult:
    return tags.for_control(control).read(items, control, size)


def write(mask: Mask, control: Control = POLYGON, **fields: Any) -> list[dict[str, Any]]:
    instance = Instance("A", (0.0, 0.0, 1.0, 1.0), mask=mask, **fields)
    return tags.for_control(control).write([instance], control, (mask.shape[1], mask.shape[0]))


def union(found: regions.ReadResult, like: Mask) -> Mask:
    assert found.problems == ()
    mask = np.zeros_like(like)
    for instance in found.instances:
        assert instance.mask is not None
        mask |= instance.mask
    return mask


def test_nothing() -> None:
    assert read() == regions.ReadResult(())
    assert write(np.zeros((3, 4), dtype=np.bool_)) == []
    assert tags.for_control(POLYGON).write([Instance("A", (0.0, 0.0, 2.0, 2.0))], POLYGON, (9, 7)) == []


def test_percent_to_pixels() -> None:
    found = read(item())
    assert found.instances == (Instance("A", (20.0, 10.0, 60.0, 50.0), region_id="r1"),)
    mask = found.instances[0].mask
    assert mask is not None
    assert mask.shape == (100, 200)
    assert mask.sum() == 40 * 40
    assert mask[10:50, 20:60].all()


def test_each_region_is_an_instance() -> None:
    assert [i.region_id for i in read(item(), item(id="r2")).instances] == ["r1", "r2"]


def test_part_inside_the_image_counts() -> None:
    found = read(item(value={"points": [[-50, -50], [50, -50], [50, 50], [-50, 50]]}))
    assert found.instances[0].box == (0.0, 0.0, 100.0, 50.0)


def test_written_item_is_whole() -> None:
    mask = np.zeros((100, 200), dtype=np.bool_)
    mask[10:50, 20:60] = True
    (written,) = write(mask, region_id="kept", score=0.25)
    points = written["value"].pop("points")
    assert sorted(points) == sorted(SQUARE)
    assert written == {
        "id": "kept",
        "from_name": "shape",
        "to_name": "image",
        "type": "polygonlabels",
        "original_width": 200,
        "original_height": 100,
        "image_rotation": 0,
        "score": 0.25,
        "value": {"closed": True, "polygonlabels": ["A"]},
    }


def test_parts_are_regions_of_their_own_the_largest_with_the_id() -> None:
    mask = disk(200, 100, 30, 50, 20) | disk(200, 100, 130, 50, 40)
    written = write(mask, region_id="kept")
    assert len(written) == 2
    assert written[0]["id"] == "kept" != written[1]["id"]
    assert np.mean([x for x, _ in written[0]["value"]["points"]]) > 50
    assert iou(union(read(*written), mask), mask) > 0.97


def test_hole_stays_a_hole() -> None:
    mask = disk(101, 77, 50, 38, 35) & ~disk(101, 77, 50, 38, 12)
    written = write(mask)
    assert len(written) == 1
    again = union(read(*written), mask)
    assert not again[38, 50]
    assert iou(again, mask) > 0.97


def test_pair_is_two_items_with_one_id() -> None:
    mask = disk(50, 40, 20, 20, 15)
    written = write(mask, PAIR)
    assert [(one["from_name"], one["type"]) for one in written] == [("shape", "polygon"), ("kind", "labels")]
    assert written[0]["id"] == written[1]["id"]
    assert iou(union(read(*written, control=PAIR), mask), mask) > 0.97


@pytest.mark.parametrize(
    ("value", "problem"),
    [
        ({"points": None}, "three or more points"),
        ({"points": SQUARE[:2]}, "three or more points"),
        ({"points": [*SQUARE, None]}, "three or more points"),
        ({"points": [*SQUARE, [1]]}, "three or more points"),
        ({"points": [*SQUARE, ["a", 1]]}, "three or more points"),
        ({"points": [*SQUARE, [float("nan"), 1]]}, "three or more points"),
        ({"points": [*SQUARE, [1e300, 1]]}, "three or more points"),
        ({"closed": False}, "not closed"),
        ({"points": [[10, 10], [10.01, 10], [10.01, 10.01]]}, "covers no pixel"),
        ({"points": [[110, 10], [120, 10], [120, 90]]}, "covers no pixel"),
        ({"polygonlabels": ["C"]}, "unknown label 'C'"),
    ],
)
def test_unusable_regions_are_problems_and_cost_no_other(value: dict[str, Any], problem: str) -> None:
    found = read(item(value=value), item(id="good"))
    assert [instance.region_id for instance in found.instances] == ["good"]
    assert len(found.problems) == 1
    assert problem in found.problems[0]
    assert "r1" in found.problems[0]


def test_older_annotations_do_not_say_that_they_are_closed() -> None:
    drawn = item()
    del drawn["value"]["closed"]
    assert len(read(drawn).instances) == 1


def test_claim_of_an_enormous_image_costs_no_memory() -> None:
    found = read(item(original_width=10**9, original_height=10**9))
    assert found.instances == ()
    assert "size of the image is not known" in found.problems[0]


def test_huge_image() -> None:
    mask = disk(4000, 3000, 1900.5, 1500, 1300) & ~disk(4000, 3000, 1900, 1500, 300)
    written = write(mask)
    assert iou(union(read(*written), mask), mask) > 0.99
    assert len(written[0]["value"]["points"]) < 200


@given(small)
def test_round_trip_of_few_pixels(mask: Mask) -> None:
    written = write(mask)
    again = union(read(*written, size=(mask.shape[1], mask.shape[0])), mask)
    assert (again & mask).sum() >= 0.97 * (again | mask).sum()
    assert len({one["id"] for one in written}) == len(written)


@settings(max_examples=30, deadline=None)
@given(blobs, st.sampled_from([POLYGON, PAIR]))
def test_round_trip_of_blobs(mask: Mask, control: Control) -> None:
    written = write(mask, control)
    assert iou(union(read(*written, control=control), mask), mask) > 0.97
    for one in written:
        assert all(0 <= side <= 100 for point in one["value"]["points"] for side in point)


@given(
    st.dictionaries(
        st.sampled_from([*item(), "points", "closed"]),
        st.none() | st.integers() | st.text(max_size=3) | st.lists(st.none() | st.lists(st.floats(), max_size=3)),
    )
)
def test_never_raises(damage: dict[str, Any]) -> None:
    read({**item(), **damage}, size=(20, 10))
    read({**item(), "value": {**item()["value"], **damage}}, size=(20, 10))
