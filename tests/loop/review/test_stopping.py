import pytest

from backend.loop.review.stopping import accepted_in_a_row, advice, recent, video_advice
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
    assert said == "No prediction has been reviewed yet; about 12 actions are left in 105 frames."


def test_before_any_prediction() -> None:
    assert advice([review(1, shown=False)], 9, None) == "No prediction has been reviewed yet."


def test_go_on() -> None:
    said = advice([review(0)] * 3 + [review(2)] * 2, 100, 30.0)
    assert (
        said == "Go on: 2 of the last 5 predictions reviewed were corrected; about 30 actions are left in 100 frames."
    )


def test_a_streak_says_stop() -> None:
    said = advice([review(1)] + [review(0)] * 20, 112, 8.0)
    assert said.startswith("More labelling hardly pays: the last 20 predictions were accepted unchanged; about")


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


def test_some_accepted_and_none_corrected() -> None:
    said = advice([review(0)] * 2, 50, 10.0)
    assert (
        said
        == "So far, so good: the last 2 predictions were accepted unchanged; about 10 actions are left in 50 frames."
    )


@pytest.mark.parametrize(
    ("reviews", "left", "predicted", "said"),
    [
        ([], 1, False, "No keyframe is drawn yet"),
        ([review(5, shown=False)], 0, False, "comes with the first training."),
        ([review(5, shown=False)], 2, True, "Open the task, take the prediction over"),
        ([review(0)], 0, True, "taken over as it was."),
        ([review(1)], 0, True, "mended in 1 place;"),
        ([review(3)], 1, True, "the next one learns from that. 1 video has no keyframe yet."),
    ],
)
def test_whole_videos(reviews: list[ReviewSummary], left: int, predicted: bool, said: str) -> None:
    assert said in video_advice(reviews, left, predicted)
