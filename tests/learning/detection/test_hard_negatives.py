from collections.abc import Sequence

import numpy as np
import pytest

from backend.learning.detection.candidates import Candidates, no_candidates
from backend.learning.detection.hard_negatives import Mistake, discounted, find

SIZE = (200, 100)
NOBODY = np.zeros((0, 4), np.float32)


def _seen(*found: tuple[float, float]) -> Candidates:
    """Candidates as (x, score)."""
    boxes = np.array([[x, 10, x + 20, 30] for x, _ in found], np.float32).reshape(-1, 4)
    return Candidates(boxes, np.array([s for _, s in found], np.float32), np.zeros(len(found), np.int64))


def _discounted(found: Candidates, size: tuple[int, int], mistakes: Sequence[Mistake]) -> list[float]:
    return discounted(found.boxes.astype(float), found.scores.astype(float), size, mistakes, 0.2).tolist()


def test_nothing_seen() -> None:
    assert find([], [], []) == ()
    assert find([no_candidates()], [NOBODY], [SIZE]) == ()
    assert _discounted(no_candidates(), SIZE, ()) == []


def test_a_place_that_fools_twice_is_a_mistake() -> None:
    [mistake] = find([_seen((50, 0.3)), _seen((51, 0.4), (120, 0.5))], [NOBODY, NOBODY], [SIZE, SIZE])
    assert mistake.score == pytest.approx(0.4)
    assert mistake.box[0] == pytest.approx(51 / 200)


def test_once_or_on_an_object_is_none() -> None:
    assert find([_seen((50, 0.3)), _seen()], [NOBODY, NOBODY], [SIZE, SIZE]) == ()
    drawn = np.array([[50, 10, 70, 30]], np.float32)
    assert find([_seen((50, 0.3)), _seen((51, 0.4))], [drawn, drawn], [SIZE, SIZE]) == ()


def test_candidates_there_lose_and_others_do_not() -> None:
    mistakes = find([_seen((50, 0.3)), _seen((50, 0.3))], [NOBODY, NOBODY], [SIZE, SIZE])
    there, elsewhere = _discounted(_seen((50, 0.3), (120, 0.3)), SIZE, mistakes)
    assert there < 0.1
    assert elsewhere == pytest.approx(0.3)
    [sure] = _discounted(_seen((50, 0.95)), SIZE, mistakes)
    assert sure > 0.7


def test_a_frame_of_another_size_has_the_place_elsewhere() -> None:
    mistakes = find([_seen((50, 0.3)), _seen((50, 0.3))], [NOBODY, NOBODY], [SIZE, SIZE])
    twice = Candidates(_seen((50, 0.3)).boxes * 2, np.array([0.3], np.float32), np.zeros(1, np.int64))
    assert _discounted(twice, (400, 200), mistakes)[0] < 0.1
