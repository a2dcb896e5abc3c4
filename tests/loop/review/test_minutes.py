import pytest

from backend.loop.review.minutes import Minutes, minutes
from model_registry import ReviewSummary


def review(n: int, shown: bool) -> ReviewSummary:
    return ReviewSummary(n, n, "clip", "1", 0, float(n), shown, None, 1, 0, 1)


def test_nothing_known() -> None:
    assert minutes({}, [], 10) == Minutes(0, None, None, None, None)
    assert minutes({1: 0.0}, [review(1, False)], 10) == Minutes(0, None, None, None, None)


def test_before_predictions_what_is_left_takes_as_long_as_drawing() -> None:
    found = minutes(dict.fromkeys(range(5), 20.0), [review(n, False) for n in range(5)], 100)
    assert (found.spent, found.drawn, found.corrected, found.saved, found.left) == (100, 20, None, None, 2000)


def test_predictions_save_what_drawing_would_have_taken_longer() -> None:
    reviews = [review(n, n >= 5) for n in range(9)]
    found = minutes({n: 20.0 if n < 5 else 6.0 for n in range(9)}, reviews, 10)
    assert found.saved == pytest.approx(4 * 14)
    assert found.left == pytest.approx(60)


def test_too_few_tell_nothing() -> None:
    found = minutes({0: 20.0, 1: 6.0}, [review(0, False), review(1, True)], 10)
    assert (found.spent, found.saved, found.left) == (26, None, None)
