"""What brush and bitmask have in common: masks kept pixel by pixel, by one tag or by a tag and its labels."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.studio import regions, tags
from backend.types import Control, Instance, Mask
from tests.studio.regions.masks import BITMASK, BITMASK_PAIR, BRUSH, BRUSH_PAIR, disk, only, read, small, write

MASK = disk(9, 7, 4, 4, 3)
TAGS = [BRUSH, BITMASK, BRUSH_PAIR, BITMASK_PAIR]
every_tag = pytest.mark.parametrize("control", TAGS, ids=lambda control: control.tag)


@every_tag
def test_nothing(control: Control) -> None:
    assert read(control) == regions.ReadResult(())
    assert tags.for_control(control).write([], control, (9, 7)) == []


@every_tag
def test_an_empty_mask_is_no_region(control: Control) -> None:
    assert write(control, np.zeros((3, 4), np.bool_)) == []
    assert tags.for_control(control).write([Instance("A", (0.0, 0.0, 2.0, 2.0))], control, (9, 7)) == []


@pytest.mark.parametrize(("control", "kind"), [(BRUSH_PAIR, "brush"), (BITMASK_PAIR, "bitmask")])
def test_a_pair_is_two_items_with_one_id(control: Control, kind: str) -> None:
    geometry, label = write(control, MASK)
    assert (geometry["type"], geometry["from_name"]) == (kind, "stroke")
    assert "labels" not in geometry["value"]
    assert (label["type"], label["from_name"], label["value"]["labels"]) == ("labels", "kind", ["A"])
    assert geometry["id"] == label["id"]
    assert np.array_equal(only(read(control, geometry, label)), MASK)


@every_tag
def test_a_wrong_shape_is_our_mistake(control: Control) -> None:
    with pytest.raises(ValueError, match="Expected that of the original image"):
        tags.for_control(control).write([Instance("A", (0.0, 0.0, 1.0, 1.0), mask=MASK)], control, (7, 9))


@given(small, st.sampled_from(TAGS))
def test_round_trip_is_exact(mask: Mask, control: Control) -> None:
    found = read(control, *write(control, mask, region_id="x"), size=(mask.shape[1], mask.shape[0]))
    if mask.any():
        assert np.array_equal(only(found), mask)
        assert found.instances[0].region_id == "x"
    else:
        assert found == regions.ReadResult(())
