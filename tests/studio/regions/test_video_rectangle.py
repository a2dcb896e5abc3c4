from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.errors import LabelingConfigError
from backend.studio import regions, tags
from backend.tracks import Keyframe, Track, VideoSize
from backend.types import Control, Head, Media

BOXES = Control(
    "box", "video", "VideoRectangle", Head.DETECTION, ("A", "B"), "video", labels_from="label", media=Media.VIDEO
)
SIZE = VideoSize(200, 100, 40, 10.0)


def at(frame: Any, **fields: Any) -> dict[str, Any]:
    place = {"x": 10, "y": 20, "width": 30, "height": 40, "rotation": 0, "enabled": True}
    return {"frame": frame, "time": 0.1, **place, **fields}


def item(*sequence: dict[str, Any], **fields: Any) -> dict[str, Any]:
    value = {"framesCount": 40, "duration": 4.0, "sequence": list(sequence), "labels": ["A"]} | fields.pop("value", {})
    return {"id": "r1", "from_name": "box", "to_name": "video", "type": "videorectangle", "value": value, **fields}


def read(*items: dict[str, Any]) -> regions.TracksRead:
    return tags.for_video(BOXES).read(items, BOXES, SIZE)


def test_nothing() -> None:
    assert read() == regions.TracksRead((), ())
    assert tags.for_video(BOXES).write([], BOXES, SIZE) == []


def test_a_tag_of_images_has_no_converter_here() -> None:
    with pytest.raises(LabelingConfigError, match="VideoRectangle, TimelineLabels"):
        tags.for_video(Control("x", "v", "RectangleLabels", Head.DETECTION, ("A",), "v"))


def test_keyframes_come_by_frame_and_the_first_of_two_counts() -> None:
    found = read(item(at(9, enabled=False), at(3), at(3, x=50)))
    assert found.tracks == (
        Track("A", (Keyframe(3, (20, 20, 80, 60)), Keyframe(9, (20, 20, 80, 60), False)), region_id="r1"),
    )
    assert found.problems == ()


def test_a_turned_box_is_read_as_the_upright_one_around_it() -> None:
    [track] = read(item(at(1, x=50, width=30, height=40, rotation=90))).tracks
    assert track.keyframes[0].box == pytest.approx((60, 20, 100, 80))


def test_the_angle_goes_on_from_keyframe_to_keyframe() -> None:
    [track] = read(item(at(1, rotation=40), at(5, rotation=80), at(9, rotation=170), at(12, rotation=350))).tracks
    assert [one.angle for one in track.keyframes] == pytest.approx([40, 80, 80, 80])
    assert track.at(3).angle == pytest.approx(60)  # type: ignore[union-attr]
    [written] = tags.for_video(BOXES).write([track], BOXES, SIZE)
    [again] = read({**written, "id": "r1"}).tracks
    for one, other in zip(track.keyframes, again.keyframes, strict=True):
        assert other.box == pytest.approx(one.box, abs=0.01)
        assert other.angle == pytest.approx(one.angle, abs=0.001)


def test_a_turn_over_zero_is_not_a_turn_all_around() -> None:
    track = Track("A", tuple(Keyframe(n, (50, 30, 90, 60), angle=angle) for n, angle in ((1, 10.0), (5, -10.0))))
    [written] = tags.for_video(BOXES).write([track], BOXES, SIZE)
    assert [row["rotation"] for row in written["value"]["sequence"]] == [10.0, -10.0]


@pytest.mark.parametrize(
    ("broken", "problem"),
    [
        (item(), "no usable keyframe"),
        (item(value={"sequence": None}), "no list `sequence`"),
        (item(at(1), value={"labels": []}), "has no label"),
        (item(at(1), value={"labels": ["C"]}), "unknown label 'C'; expected one of: A, B"),
        (item(at(0)), "frames 1 to 40"),
        (item(at(41)), "frames 1 to 40"),
        (item(at(1.5)), "frames 1 to 40"),
        (item(at("first")), "no usable keyframe"),
        (item(at(1, width=0)), "too small"),
        (item(at(1, x=None)), "no numbers"),
        ({**item(at(1)), "value": None}, "no list `sequence`"),
    ],
)
def test_unusable_regions_are_problems_and_cost_no_other(broken: dict[str, Any], problem: str) -> None:
    found = read(broken, item(at(2), id="good"))
    assert [track.region_id for track in found.tracks] == ["good"]
    assert any(problem in text and "r1" in text for text in found.problems)


def test_an_object_that_left_the_picture_is_not_seen_behind_the_keyframe_before() -> None:
    found = read(item(at(1), at(5), at(9, x=150)))
    assert [(one.frame, one.enabled) for one in found.tracks[0].keyframes] == [(1, True), (5, False)]
    assert "keyframe 9" in found.problems[0]


def test_what_is_written_is_as_label_studio_writes_it() -> None:
    track = Track("B", (Keyframe(5, (20, 20, 80, 60)), Keyframe(10, (20, 20, 80, 60), False)), 0.75, "r7")
    box = {"rotation": 0, "x": 10, "y": 20, "width": 30, "height": 40}
    assert tags.for_video(BOXES).write([track], BOXES, SIZE) == [
        {
            "id": "r7", "from_name": "box", "to_name": "video", "type": "videorectangle", "score": 0.75,
            "value": {
                "framesCount": 40, "duration": 4.0, "labels": ["B"],
                "sequence": [{"frame": 5, "enabled": True, "time": 0.5, **box},
                             {"frame": 10, "enabled": False, "time": 1.0, **box}],
            },
        }
    ]  # fmt: skip


def test_tracks_outside_the_picture_are_left_out() -> None:
    assert tags.for_video(BOXES).write([Track("A", (Keyframe(1, (300, 0, 400, 50)),))], BOXES, SIZE) == []


sides = st.floats(0, 0.45)
boxes = st.builds(lambda x, y, w, h: (x * 200, y * 100, (x + w + 0.05) * 200, (y + h + 0.05) * 100), *[sides] * 4)
keyframes = st.dictionaries(st.integers(1, 40), st.tuples(boxes, st.booleans()), min_size=1).map(
    lambda found: tuple(Keyframe(frame, *found[frame]) for frame in sorted(found))
)
tracks = st.lists(st.builds(Track, st.sampled_from(["A", "B"]), keyframes), max_size=5)


@given(tracks)
def test_round_trip(written: list[Track]) -> None:
    found = read(*tags.for_video(BOXES).write(written, BOXES, SIZE))
    assert found.problems == ()
    assert len({track.region_id for track in found.tracks}) == len(written)
    for before, after in zip(written, found.tracks, strict=True):
        assert after.label == before.label
        shape = [(one.frame, one.enabled) for one in before.keyframes]
        assert [(one.frame, one.enabled) for one in after.keyframes] == shape
        for was, now in zip(before.keyframes, after.keyframes, strict=True):
            assert now.box == pytest.approx(was.box, abs=1e-3)


anything = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=3)),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["frame", "x", "start"]), inner),
    max_leaves=8,
)


@given(st.lists(anything, max_size=3), anything)
def test_damaged_annotations_never_raise(sequence: list[Any], labels: Any) -> None:
    read({**item(), "value": {"sequence": sequence, "labels": labels}}, {**item(), "value": labels, "id": labels})
