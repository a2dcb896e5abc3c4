"""The one result class: sliced like numpy, put together, given on."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.instances import ABSENT, NO_TRACK, Instances, concatenate
from backend.types import Instance, Keypoint
from tests.datasets.made import instances


def test_nothing_is_an_empty_one() -> None:
    nothing = Instances()
    assert len(nothing) == 0
    assert list(nothing) == []
    assert nothing.xyxy.shape == (0, 4)
    assert nothing.mask.shape == (0, 0, 0)
    assert nothing[nothing.score > 0.5] == nothing
    assert concatenate([]) == concatenate([nothing, nothing]) == nothing
    assert len(nothing.to_supervision()) == 0


@given(instances(9, 7), st.data())
def test_it_is_sliced_like_numpy(found: Instances, data: st.DataObject) -> None:
    keep = np.array(data.draw(st.lists(st.booleans(), min_size=len(found), max_size=len(found))), np.bool_)
    some = found[keep]
    assert len(some) == keep.sum()
    assert np.array_equal(some.xyxy, found.xyxy[keep])
    assert np.array_equal(some.mask, found.mask[keep])
    assert found[:] == found == found[np.arange(len(found))] == concatenate(list(found) or [found])
    assert found[::-1][::-1] == found
    for row, one in enumerate(found):
        assert one == found[row] == found[row - len(found)]
    with pytest.raises(IndexError):
        found[len(found)]


@given(instances(9, 7), instances(9, 7, masks=False, points=False), instances(9, 7, points=False))
def test_putting_together_loses_nothing(a: Instances, b: Instances, c: Instances) -> None:
    whole = concatenate([a, b, c])
    assert len(whole) == len(a) + len(b) + len(c)
    assert whole == concatenate([concatenate([a, b]), c]) == concatenate([a, concatenate([b, c])])
    assert np.array_equal(whole.xyxy, np.concatenate([a.xyxy, b.xyxy, c.xyxy]))
    assert whole[: len(a)].keypoint_names == a.keypoint_names
    assert (whole[len(a) :].visibility == ABSENT).all()


def test_single_objects_come_out_as_they_went_in() -> None:
    mask = np.zeros((5, 6), np.bool_)
    mask[1:3, 2:4] = True
    given_ = [
        Instance("a", (2.0, 1.0, 4.0, 3.0), 0.5, mask=mask),
        Instance("b", (0.0, 0.0, 6.0, 5.0), keypoints=(Keypoint("nose", 1.0, 2.0, 0.25),)),
    ]
    found = Instances.of(given_, track=[NO_TRACK, 3])
    assert found.keypoint_names == ("nose",)
    first, second = found.single()
    assert (first, np.array_equal(first.mask, mask)) == (given_[0], True)  # type: ignore[arg-type]
    assert (second.keypoints, second.region_id, second.mask) == (given_[1].keypoints, "3", None)


def test_supervision_takes_it() -> None:
    found = Instances([(1, 2, 3, 4), (5, 6, 7, 8)], ["b", "a"], [0.5, 1.0], track=[3, 4]).to_supervision()
    assert found.xyxy.tolist() == [[1, 2, 3, 4], [5, 6, 7, 8]]
    assert found.class_id.tolist() == [1, 0]
    assert found.data["class_name"].tolist() == ["b", "a"]
    assert found.tracker_id.tolist() == [3, 4]


@pytest.mark.parametrize(
    "columns",
    [
        {"score": [1, 2]},
        {"label": []},
        {"mask": np.zeros((4, 4))},
        {"keypoints": [[(1, 2)]]},
        {"attributes": []},
    ],
)
def test_what_does_not_fit_is_refused(columns: dict[str, object]) -> None:
    with pytest.raises(ValueError, match="Expected"):
        Instances(**{"xyxy": [(1, 2, 3, 4)], "label": ["a"], **columns})  # type: ignore[arg-type]


def test_it_cannot_be_changed() -> None:
    found = Instances([(1, 2, 3, 4)], ["a"])
    with pytest.raises(ValueError, match="read-only"):
        found.xyxy[0, 0] = 5
    with pytest.raises(AttributeError):
        found.label = np.array(["b"])  # type: ignore[misc]
