import numpy as np

from backend.learning.tracking.detections import Detections
from backend.learning.tracking.film import is_film as is_film_of_labels


def is_film(frames: list[Detections], anchors: list[Detections]) -> bool:
    return is_film_of_labels([frames], [anchors])


def _frame(order: float, *xs: float, track: int | None = None) -> Detections:
    boxes = np.array([[x, 50.0, x + 20.0, 70.0] for x in xs]).reshape(-1, 4)
    tracks = np.zeros(0, np.int64) if track is None else np.full(len(xs), track)
    return Detections(order, boxes, np.full(len(xs), 0.9), tracks=tracks)


def test_what_moves_smoothly_is_a_film() -> None:
    assert is_film([_frame(i, 10 + 3 * i) for i in range(10)], [])
    assert not is_film([], [])
    assert not is_film([_frame(0, 1.0)], [])


def test_pictures_of_which_neighbours_have_nothing_in_common_are_none() -> None:
    rng = np.random.default_rng(0)
    assert not is_film([_frame(i, float(x)) for i, x in enumerate(rng.uniform(0, 2000, 20))], [])


def test_without_a_place_in_time_for_each_there_is_no_film() -> None:
    assert not is_film([_frame(float("nan"), 10 + 3 * i) for i in range(10)], [])
    assert not is_film([_frame(0.0 if i == 1 else i, 10 + 3 * i) for i in range(10)], [])


def test_labelled_frames_speak_too() -> None:
    assert not is_film([_frame(i) for i in range(6)], [])
    assert is_film([_frame(i) for i in range(6)], [_frame(i + 0.5, 10.0) for i in range(6)])


def test_where_a_person_drew_tracks_it_is_one() -> None:
    assert is_film([_frame(0), _frame(1)], [_frame(0.5, 10.0, track=0)])


def test_what_fills_every_picture_at_other_places_is_no_film() -> None:
    rng = np.random.default_rng(1)
    assert not is_film([_frame(i, *rng.uniform(0, 2000, 12)) for i in range(40)], [])


def test_what_hardly_moves_is_one() -> None:
    rng = np.random.default_rng(1)
    assert is_film([_frame(i, *(np.array([10, 80, 200]) + rng.normal(0, 2, 3))) for i in range(40)], [])


def test_all_labels_decide_together() -> None:
    film, seldom = (
        [_frame(i, 10 + 3 * i) for i in range(12)],
        [_frame(i, *([5.0] if i == 3 else [])) for i in range(12)],
    )
    assert is_film_of_labels([film, seldom], [[], []])
    assert not is_film_of_labels([seldom, seldom], [[], []])
