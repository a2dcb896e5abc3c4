from dataclasses import replace

import pytest

from backend.loop.data.merge import ControlPredictions, merge, shown, shown_tracks
from backend.objects.composing import enclosing_boxes, in_dependency_order
from backend.tracks import Keyframe, Track, VideoPrediction, VideoSize
from backend.types import Condition, Control, Head, Instance, Media, Prediction


def control(name: str, parent: str | None = None, threshold: float | None = None) -> Control:
    return Control(name, "image", "RectangleLabels", Head.DETECTION, ("a",), "image", threshold, boxes_from=parent)


SIZES = {1: (100, 50), 2: (100, 50)}


def prediction(task: int, *scores: float, score: float = 0.5) -> Prediction:
    return Prediction(task, tuple(Instance("a", (0, 0, 10, 10), s) for s in scores), score)


def test_nothing_stitches_to_nothing() -> None:
    assert merge([]) == {}


def test_parents_come_first() -> None:
    assert [c.from_name for c in in_dependency_order([control("k", "box"), control("box"), control("x")])] == [
        "box",
        "x",
        "k",
    ]


def test_below_the_controls_own_threshold_nothing_is_shown() -> None:
    [one] = shown(control("box", threshold=0.4), [prediction(1, 0.3, 0.4, 0.9)])
    assert [i.score for i in one.instances] == [0.4, 0.9]
    [every] = shown(control("box"), [prediction(1, 0.0, 0.9)])
    assert len(every.instances) == 2


def test_every_shown_instance_has_an_id_and_keeps_one_it_had() -> None:
    own = Prediction(1, (Instance("a", (0, 0, 1, 1), 0.5, "mine"), Instance("a", (0, 0, 1, 1), 0.5)), 0.5)
    [one] = shown(control("box"), [own])
    assert one.instances[0].region_id == "mine"
    assert one.instances[1].region_id not in (None, "", "mine")


def test_parents_are_what_the_parent_control_showed() -> None:
    box = ControlPredictions(control("box"), 1, shown(control("box"), [prediction(1, 0.9)]))
    other = ControlPredictions(control("other"), 2, shown(control("other"), [prediction(1, 0.8)]))
    assert enclosing_boxes(control("k", "box"), [box, other]) == {1: box.predictions[0].instances}
    assert enclosing_boxes(control("k", "gone"), [box, other]) == {}
    assert enclosing_boxes(control("box"), [box, other]) is None


def test_parts_become_one_result_with_the_least_score() -> None:
    outputs = [
        ControlPredictions(
            control("box"), 7, shown(control("box"), [prediction(1, 0.9, score=0.8), prediction(2, score=0.9)]), SIZES
        ),
        ControlPredictions(control("other"), 9, shown(control("other"), [prediction(1, 0.6, 0.7, score=0.3)]), SIZES),
    ]
    merged = merge(outputs)
    assert [r["from_name"] for r in merged[1].result] == ["box", "other", "other"]
    assert len({r["id"] for r in merged[1].result}) == 3
    assert merged[1].score == pytest.approx(0.3)
    assert merged[1].versions == {"box": 7, "other": 9}
    assert (merged[2].result, merged[2].score, merged[2].versions) == ([], 0.9, {"box": 7})


def video_control(threshold: float | None = None) -> Control:
    return Control(
        "v", "video", "VideoRectangle", Head.DETECTION, ("a",), "video", threshold, labels_from="l", media=Media.VIDEO
    )


def video(*tracks: Track) -> VideoPrediction:
    return VideoPrediction(1, VideoSize(100, 50, 30, 10.0), tracks, 0.7)


SURE, UNSURE, DRAWN = (
    Track("a", (Keyframe(1, (0, 0, 10, 10)),), score, region)
    for score, region in ((0.9, None), (0.2, None), (0.1, "mine"))
)


def test_tracks_below_the_threshold_are_not_shown_unless_a_person_began_them() -> None:
    [found], [every] = (
        shown_tracks(video_control(0.4), [video(SURE, UNSURE, DRAWN)]), shown_tracks(video_control(), [video(UNSURE)])
    )  # fmt: skip
    sure, drawn = found.tracks
    assert (replace(sure, region_id=None), drawn) == (SURE, DRAWN)
    assert sure.region_id, "what is said of it later needs its id"
    assert [replace(one, region_id=None) for one in every.tracks] == [UNSURE]


def test_a_video_and_an_image_of_the_same_task_become_one_result() -> None:
    outputs = [
        ControlPredictions(control("box"), 7, shown(control("box"), [prediction(1, 0.9, score=0.8)]), SIZES),
        ControlPredictions(video_control(), 8, [video(SURE)]),
    ]
    one = merge(outputs)[1]
    assert [r["type"] for r in one.result] == ["rectanglelabels", "videorectangle"]
    assert (one.score, one.versions) == (0.7, {"box": 7, "v": 8})
    assert enclosing_boxes(control("k", "v"), outputs) == {}


def test_each_part_is_written_in_the_size_of_the_image_that_it_looked_at() -> None:
    outputs = [
        ControlPredictions(control("left"), 7, shown(control("left"), [prediction(1, 0.9)]), {1: (200, 100)}),
        ControlPredictions(control("right"), 8, shown(control("right"), [prediction(1, 0.9)]), {1: (20, 10)}),
    ]
    left, right = merge(outputs)[1].result
    assert (left["original_width"], left["value"]["width"], left["value"]["height"]) == (200, 5.0, 10.0)
    assert (right["original_width"], right["value"]["width"], right["value"]["height"]) == (20, 50.0, 100.0)


def choices(name: str, *conditions: Condition) -> Control:
    return Control(name, "image", "Choices", Head.CLASSIFICATION, ("a", "b"), "image", visible_when=conditions)


def chosen(label: str, score: float) -> list[Prediction]:
    return [Prediction(1, (Instance(label, (0, 0, 1, 1), 0.9),), score)]


@pytest.mark.parametrize(("label", "shown_controls", "score"), [("a", ["c", "w"], 0.3), ("b", ["c"], 0.8)])
def test_what_the_editor_would_hide_beside_the_predicted_choice_is_not_predicted(
    label: str, shown_controls: list[str], score: float
) -> None:
    inner = choices("w", Condition("c", ("a",)))
    one = merge(
        [
            ControlPredictions(choices("c"), 7, chosen(label, 0.8), SIZES),
            ControlPredictions(inner, 8, chosen("b", 0.3), SIZES),
        ]
    )[1]
    assert [item["from_name"] for item in one.result] == shown_controls
    assert one.score == score
    assert one.versions == {"c": 7, "w": 8}, "what is current is known by the versions of all"


def test_what_is_said_of_a_hidden_region_is_hidden_with_it() -> None:
    boxes = replace(control("box"), visible_when=(Condition("c", ("a",)),))
    classes = replace(choices("state"), attribute_of=(boxes,))
    [found] = shown(boxes, [prediction(1, 0.9, score=0.2)])
    said = [Prediction(1, (replace(found.instances[0], label="b"),), 0.1)]
    for label, names, score in (("a", ["c", "box", "state"], 0.1), ("b", ["c"], 0.8)):
        one = merge(
            [
                ControlPredictions(choices("c"), 7, chosen(label, 0.8), SIZES),
                ControlPredictions(boxes, 8, [found], SIZES),
                ControlPredictions(classes, 9, said, SIZES),
            ]
        )[1]
        assert ([item["from_name"] for item in one.result], one.score) == (names, score)
