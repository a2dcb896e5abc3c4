import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.demo import hand_labels
from backend.demo.cases import CASES, point_scores
from backend.demo.hand_labels import labels_of, truth_of_frames
from backend.studio.labeling_config import parse
from backend.studio.tags import for_control
from backend.types import Control, Frame, Head, Instance, Keypoint, LabeledFrame, Prediction

DESCRIBED = json.loads(Path(hand_labels.__file__).with_name("big_buck_bunny.json").read_text())
SIZE = DESCRIBED["width"], DESCRIBED["height"]
HEADS = pytest.mark.parametrize("head", list(Head))


def control_of(head: Head, labels: tuple[str, ...]) -> Control:
    (control,) = parse(CASES[head].config(labels)).require()
    return control


def labeled(number: int, instances: tuple[Instance, ...]) -> LabeledFrame:
    return LabeledFrame(Frame(number, np.zeros((1, 1, 3), np.uint8), *SIZE), instances)


def pose(*points: Keypoint) -> Instance:
    return Instance("", (0, 0, 300, 400), keypoints=points)


def test_every_head_has_a_case() -> None:
    assert set(CASES) >= set(Head)


@HEADS
@given(st.lists(st.text(st.characters(codec="ascii", exclude_categories=("Cc",)), min_size=1).map(str.strip)
                .filter(bool), min_size=1, max_size=4, unique=True))  # fmt: skip
def test_the_config_asks_for_exactly_these_labels(head: Head, labels: list[str]) -> None:
    control = control_of(head, tuple(labels))
    assert (control.head, control.from_name, control.media_field) == (head, "label", "image")
    assert control.labels == tuple(labels)
    assert (control.parent, control.multiple) == (None, False)


@HEADS
@pytest.mark.parametrize("number", [22, 66, 109])
def test_what_the_person_submits_is_read_as_it_was_drawn(head: Head, number: int) -> None:
    control = control_of(head, labels_of(DESCRIBED, head))
    (drawn,) = truth_of_frames(DESCRIBED, head)[number]
    regions = for_control(control)
    read = regions.read(json.loads(json.dumps(regions.write((drawn,), control, SIZE))), control, SIZE)
    assert read.problems == ()
    (found,) = read.instances
    assert found.label == drawn.label
    if head is Head.POSE:  # the box is not submitted, and put around the points
        assert {p.label: (p.x, p.y) for p in found.keypoints} == {
            p.label: pytest.approx((p.x, p.y), abs=0.01) for p in drawn.keypoints
        }
    else:
        assert found.box == pytest.approx(drawn.box, abs=0.01)
    if drawn.mask is not None:
        assert found.mask is not None
        assert (found.mask == drawn.mask).all()


@HEADS
def test_the_truth_itself_is_perfect(head: Head) -> None:
    truth = truth_of_frames(DESCRIBED, head)
    numbers = [entry["index"] for entry in DESCRIBED["frames"]][:4]
    predictions = [Prediction(number, truth[number], 1.0) for number in numbers]
    scores = CASES[head].scores(predictions, [labeled(number, truth[number]) for number in numbers])
    assert {score.name: score.value for score in scores} == {
        score.name: 0.0 if score.name == "mean_error_px" else 1.0 for score in scores
    }


@HEADS
def test_nothing_predicted_is_nothing_found(head: Head) -> None:
    truth = truth_of_frames(DESCRIBED, head)
    scores = CASES[head].scores([Prediction(0, (), 1.0)], [labeled(0, truth[0])])
    assert {score.value for score in scores} <= {0.0, None}
    assert 0.0 in {score.value for score in scores}


def test_no_frame_gives_no_figure() -> None:
    assert all(score.value is None for case in CASES.values() for score in case.scores([], []))


def test_points_are_measured_in_pixels_and_in_diagonals() -> None:
    drawn = pose(Keypoint("nose", 100, 100), Keypoint("left ear tip", 200, 200), Keypoint("right ear tip", 50, 60))
    # 5 and 50 pixels off, one missed, one invented; the box's diagonal is 500 pixels, of which 5 % are 25.
    shown = pose(Keypoint("nose", 103, 104), Keypoint("left ear tip", 230, 240), Keypoint("left paw", 9, 9))
    scores = {s.name: s.value for s in point_scores([Prediction(0, (shown,), 1.0)], [labeled(0, (drawn,))])}
    assert scores == {"mean_error_px": 27.5, "pck": pytest.approx(1 / 3), "precision": pytest.approx(1 / 3)}


def test_a_point_under_another_name_is_wrong() -> None:
    drawn, shown = pose(Keypoint("left paw", 9, 9)), pose(Keypoint("right paw", 9, 9))
    scores = {s.name: s.value for s in point_scores([Prediction(0, (shown,), 1.0)], [labeled(0, (drawn,))])}
    assert scores == {"mean_error_px": None, "pck": 0.0, "precision": 0.0}


def test_half_a_mask_is_half_right() -> None:
    (whole,) = truth_of_frames(DESCRIBED, Head.SEGMENTATION)[66]
    assert whole.mask is not None
    part = whole.mask.copy()
    part[: int(np.median(np.flatnonzero(part.any(axis=1))))] = False
    (score,) = CASES[Head.SEGMENTATION].scores(
        [Prediction(0, (replace(whole, mask=part),), 1.0)], [labeled(0, (whole,))]
    )
    assert score.value == pytest.approx(part.sum() / whole.mask.sum())
