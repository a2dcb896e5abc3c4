import pytest

from backend.loop.review.stopping import accepted_in_a_row, advice, recent
from model_registry import ReviewSummary


def review(actions: int, shown: bool = True, n: int = 0) -> ReviewSummary:
    score = 0.5 if shown else None
    return ReviewSummary(n, n, "clip", "", 1, float(n), shown, score, actions, 1, 1)


def test_nothing_labelled() -> None:
    assert "Nothing is labelled yet" in advice([], 110, None)


def test_all_labelled() -> None:
    assert advice([review(1)], 0, 0.0) == "All frames are labelled."


def test_nothing_reviewed() -> None:
    said = advice([review(1, shown=False)] * 5, 105, 12.4)
    assert said == "No prediction has been reviewed yet; expected left to mend: 12 actions in 105 frames."


def test_before_any_prediction() -> None:
    assert advice([review(1, shown=False)], 9, None) == "No prediction has been reviewed yet."


def test_go_on() -> None:
    said = advice([review(0)] * 3 + [review(2)] * 2, 100, 30.0)
    assert (
        said
        == "Go on: 2 of the last 5 predictions reviewed were mended; expected left to mend: 30 actions in 100 frames."
    )


def test_a_streak_says_stop() -> None:
    said = advice([review(1)] + [review(0)] * 20, 112, 8.0)
    assert said.startswith("More labelling hardly pays: the last 20 predictions were accepted unchanged; expected left")


def test_little_left_says_stop_unless_the_last_one_was_wrong() -> None:
    assert "the last prediction was accepted unchanged" in advice([review(1), review(0)], 112, 3.0)
    assert advice([review(0), review(1)], 112, 3.0).startswith("Go on")


@pytest.mark.parametrize(
    ("reviews", "streak"),
    [
        ([], 0),
        ([review(1)], 0),
        ([review(0), review(1), review(0)], 1),
        ([review(0), review(0), review(9, shown=False)], 2),
    ],
)
def test_accepted_in_a_row(reviews: list[ReviewSummary], streak: int) -> None:
    assert accepted_in_a_row(reviews) == streak


def test_recent_ones_had_a_prediction() -> None:
    reviews = [review(0, shown=n % 2 == 0, n=n) for n in range(60)]
    assert [one.annotation for one in recent(reviews)] == list(range(20, 60, 2))
