from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from label_studio_sdk.converter import brush

from backend.studio.regions.packed import count_of, unpack

VALUES = hnp.arrays(np.uint8, st.integers(1, 60).map(lambda n: n * 4), elements=st.sampled_from([0, 1, 127, 128, 255]))


def packed(values: Any) -> bytes:
    return bytes(brush.encode_rle(np.asarray(values)))


@given(VALUES)
def test_it_says_what_the_sdk_packed(values: Any) -> None:
    assert count_of(packed(values)) == len(values)
    np.testing.assert_array_equal(unpack(packed(values)), values)


@given(hnp.arrays(np.uint8, st.integers(4, 80), elements=st.integers(0, 255)), st.integers(1, 40))
def test_long_runs(values: Any, times: int) -> None:
    np.testing.assert_array_equal(unpack(packed(np.repeat(values, times))), np.repeat(values, times))


@given(st.binary(max_size=80))
def test_any_bytes_are_unpacked_as_the_sdk_does_or_refused(content: bytes) -> None:
    if count_of(content) > 100_000:  # the SDK would take the memory first
        content = (100).to_bytes(4, "big") + content[4:]
    try:
        mine = unpack(content)
    except ValueError:
        return
    assume(len(content) < 5 or content[4] >> 3 < 8)  # it has no place for larger values
    np.testing.assert_array_equal(mine, brush.decode_rle(content))


@given(VALUES, st.data())
def test_what_is_cut_off_is_refused(values: Any, data: st.DataObject) -> None:
    whole = packed(values)
    short = whole[: data.draw(st.integers(0, len(whole) - 2))]
    with pytest.raises(ValueError, match=r"no header|do not fit|ends after"):
        unpack(short)


def test_a_claim_that_the_bytes_cannot_hold_costs_no_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    def forbidden(*_: object) -> None:
        raise AssertionError("memory was taken")

    content = (320_000_000).to_bytes(4, "big") + packed(np.zeros(4, np.uint8))[4:]
    monkeypatch.setattr(np, "zeros", forbidden)
    with pytest.raises(ValueError, match="320000000 values do not fit into"):
        unpack(content)
