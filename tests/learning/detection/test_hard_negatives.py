from collections.abc import Sequence

import numpy as np
import pytest

from backend.learning.detection.candidates import Candidates, no_candidates
from backend.learning.detection.hard_negatives import HardNegative, find, suppress_hard_negatives

SIZE = (200, 100)
NOBODY = np.zeros((0, 4), np.float32)


def _seen(*found: tuple[float, float]) -> Candidates:
    """Candidates as (x, score)."""
    boxes = np.array([[x, 10, x + 20, 30] for x, _ in found], np.float32).reshape(-1, 4)
    return Candidates(boxes, np.array([s for _, s in found], np.float32), np.zeros(len(found), np.int64))


def _suppress_hard_negatives(
    found: Candidates, size: tuple[int, int], hard_negatives: Sequence[HardNegative]
) -> list[float]:
    return suppress_hard_negatives(
        found.boxes.astype(float), found.scores.astype(float), size, hard_negatives, 0.2
    ).tolist()


def test_nothing_seen() -> None:
    assert find([], [], []) == ()
    assert find([no_candidates()], [NOBODY], [SIZE]) == ()
    assert _suppress_hard_negatives(no_candidates(), SIZE, ()) == []


def test_a_place_that_fools_twice_is_a_hard_negative() -> None:
    [hard_negative] = find([_seen((50, 0.3)), _seen((51, 0.4), (120, 0.5))], [NOBODY, NOBODY], [SIZE, SIZE])
    assert hard_negative.score == pytest.approx(0.4)
    assert hard_negative.box[0] == pytest.approx(51 / 200)


def test_once_or_on_an_object_is_none() -> None:
    assert find([_seen((50, 0.3)), _seen()], [NOBODY, NOBODY], [SIZE, SIZE]) == ()
    drawn = np.array([[50, 10, 70, 30]], np.float32)
    assert find([_seen((50, 0.3)), _seen((51, 0.4))], [drawn, drawn], [SIZE, SIZE]) == ()


def test_candidates_there_lose_and_others_do_not() -> None:
    hard_negatives = find([_seen((50, 0.3)), _seen((50, 0.3))], [NOBODY, NOBODY], [SIZE, SIZE])
    there, elsewhere = _suppress_hard_negatives(_seen((50, 0.3), (120, 0.3)), SIZE, hard_negatives)
    assert there < 0.1
    assert elsewhere == pytest.approx(0.3)
    [sure] = _suppress_hard_negatives(_seen((50, 0.95)), SIZE, hard_negatives)
    assert sure > 0.7


def test_a_frame_of_another_size_has_the_place_elsewhere() -> None:
    hard_negatives = find([_seen((50, 0.3)), _seen((50, 0.3))], [NOBODY, NOBODY], [SIZE, SIZE])
    twice = Candidates(_seen((50, 0.3)).boxes * 2, np.array([0.3], np.float32), np.zeros(1, np.int64))
    assert _suppress_hard_negatives(twice, (400, 200), hard_negatives)[0] < 0.1
