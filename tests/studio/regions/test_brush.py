from functools import partial
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from label_studio_sdk.converter import brush

from backend.types import Instance
from tests.studio.regions import masks
from tests.studio.regions.masks import BRUSH, disk, only

MASK = disk(9, 7, 4, 4, 3)


read, write = partial(masks.read, BRUSH), partial(masks.write, BRUSH)


def rle(mask: Any) -> list[int]:
    return [int(value) for value in brush.mask2rle(np.asarray(mask, dtype=np.uint8))]


def item(**fields: Any) -> dict[str, Any]:
    value = {"format": "rle", "rle": rle(MASK * 255), "brushlabels": ["A"]} | fields.pop("value", {})
    plain = {"id": "r1", "from_name": "mask", "to_name": "image", "type": "brushlabels"}
    return {**plain, "original_width": 9, "original_height": 7, "image_rotation": 0, "value": value, **fields}


def test_written_item_is_whole() -> None:
    (written,) = write(MASK, region_id="kept", score=0.25)
    assert written == {
        "id": "kept",
        "from_name": "mask",
        "to_name": "image",
        "type": "brushlabels",
        "original_width": 9,
        "original_height": 7,
        "image_rotation": 0,
        "score": 0.25,
        "value": {"format": "rle", "rle": rle(MASK * 255), "brushlabels": ["A"]},
    }
    assert all(type(value) is int for value in written["value"]["rle"])


def test_mask_box_and_id() -> None:
    found = read(item(score=0.3))
    assert (only(found) == MASK).all()
    assert found.instances[0] == Instance("A", (1.0, 1.0, 7.0, 7.0), region_id="r1")


def test_soft_edges_of_a_stroke_are_cut_in_the_middle() -> None:
    soft = np.array([[0, 1, 127, 128, 255]])
    assert only(read(item(value={"rle": rle(soft)}, original_width=5, original_height=1))).tolist() == [
        [False, False, False, True, True]
    ]


def test_strokes_of_one_label_are_one_instance_and_labels_overlap() -> None:
    other = disk(9, 7, 6, 3, 2)
    items = [
        item(),
        item(id="r2", value={"rle": rle(other * 255)}),
        item(id="r3", value={"rle": rle(other * 255), "brushlabels": ["B"]}),
    ]
    found = read(*items)
    assert [(i.label, i.region_id) for i in found.instances] == [("A", "r1"), ("B", "r3")]
    first, second = (i.mask for i in found.instances)
    assert first is not None
    assert second is not None
    assert (first == (MASK | other)).all()
    assert (second == other).all()


def test_mask_of_another_size_is_brought_to_that_of_the_image() -> None:
    mask = np.array([[True, False], [False, True]])
    bytes_ = rle(mask * 255)
    drawn = item(value={"rle": bytes_}, original_width=2, original_height=2)
    assert only(read(drawn, size=(4, 6))).tolist() == mask.repeat(3, axis=0).repeat(2, axis=1).tolist()
    # Sizes that are missing or wrong in the region: those of the image count where the bytes fit.
    for wrong in (None, 5):
        drawn = item(value={"rle": bytes_}, original_width=wrong, original_height=wrong)
        assert (only(read(drawn, size=(2, 2))) == mask).all()


@pytest.mark.parametrize(
    ("fields", "problem"),
    [
        ({"value": {"rle": None}}, "no rle"),
        ({"value": {"rle": []}}, "no rle"),
        ({"value": {"rle": 12}}, "no rle"),
        ({"value": {"rle": [1, 300]}}, "no rle"),
        ({"value": {"rle": ["a"]}}, "no rle"),
        ({"value": {"rle": [0, 0]}}, "expected those of an image of 9 x 7"),
        ({"value": {"rle": rle(np.ones((2, 2)))}}, "has an rle of 4 pixels"),
        ({"value": {"rle": rle(MASK * 255)[:12]}}, "cannot be unpacked"),
        ({"value": {"rle": rle(MASK * 127)}}, "is empty"),
        ({"value": {"brushlabels": ["C"]}}, "unknown label 'C'"),
        ({"value": {"brushlabels": []}}, "no label"),
        ({"original_width": None}, "size of the image is not known"),
        ({"item_index": 2}, "multi-image"),
    ],
)
def test_unusable_regions_are_problems_and_cost_no_other(fields: dict[str, Any], problem: str) -> None:
    found = read(item(**fields), item(id="good"))
    assert [instance.region_id for instance in found.instances] == ["good"]
    assert len(found.problems) == 1
    assert problem in found.problems[0]
    assert "r1" in found.problems[0]


def test_regions_that_disagree_about_the_size() -> None:
    found = read(item(), item(id="r2", value={"rle": rle(np.full((2, 2), 255))}, original_width=2, original_height=2))
    assert (found.instances[0].mask == MASK).all()
    assert "another size" in found.problems[0]


def test_claim_of_an_enormous_image_costs_no_memory() -> None:
    huge = [255, 255, 255, 252, 0]
    found = read(item(value={"rle": huge}, original_width=(2**32 - 4) // 4, original_height=1))
    assert found.instances == ()
    assert "size of the image is not known" in found.problems[0]


def test_huge_image() -> None:
    mask = disk(4000, 3000, 1900.5, 1500, 1300)
    assert (only(read(*write(mask))) == mask).all()


@given(st.binary(max_size=40))
def test_any_bytes_are_read_or_a_problem(noise: bytes) -> None:
    begin = (9 * 7 * 4).to_bytes(4, "big")
    found = read(item(value={"rle": list(begin + noise)}))
    assert len(found.instances) + len(found.problems) == 1


@given(
    st.dictionaries(
        st.sampled_from(list(item())), st.none() | st.integers() | st.text(max_size=3) | st.lists(st.none())
    )
)
def test_never_raises(damage: dict[str, Any]) -> None:
    read({**item(), **damage})
    read({**item(), "value": {**item()["value"], **damage}})
    read({**item(), "value": {"rle": damage.get("value"), "brushlabels": damage.get("id")}})
