"""The object around the last first click is looked for once."""

from dataclasses import replace

import numpy as np
import pytest

from backend.learning.prompting.click_memory import ClickMemory
from backend.types import Frame, Mask

FRAME = Frame(1, np.zeros((4, 6, 3), np.uint8), 6, 4)


@pytest.mark.parametrize("found", [None, np.ones((4, 6), bool)])
def test_it_is_looked_for_where_frame_or_place_are_others_than_the_last_time(found: Mask | None) -> None:
    looked, click = list[str](), ClickMemory()
    bright = replace(FRAME, image=np.full_like(FRAME.image, 255))
    for name, frame, place in (
        ("first", FRAME, (2, 3)),
        ("decoded anew", replace(FRAME, image=FRAME.image.copy()), (2, 3)),
        ("elsewhere", FRAME, (3, 2)),
        ("another picture", bright, (3, 2)),
        ("the same of another size", replace(bright, width=12, height=8), (3, 2)),
        ("the one before", FRAME, (2, 3)),
    ):
        assert click.around(frame, place, lambda name=name: (looked.append(name), found)[1]) is found
    assert looked == ["first", "elsewhere", "another picture", "the same of another size", "the one before"]
