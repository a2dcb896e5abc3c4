import pytest

from backend.learning.video.rotation import restore_angles, upright_track
from backend.tracks import Keyframe, Track
from backend.types import Instance

SIZE = (200, 100)


def rod(x: float, angle: float, label: str = "rod") -> Instance:
    return Instance(label, (x - 20, 40, x + 20, 50), angle=angle)


def test_upright_tracks_and_instances_are_left_alone() -> None:
    track = Track("rod", (Keyframe(1, (0.0, 0.0, 9.0, 9.0)),))
    assert upright_track(track, SIZE) == track
    assert rod(50, 0).upright() == rod(50, 0)
    assert restore_angles(track, {}, None) == track


def test_a_track_is_turned_as_drawn_as_seen_and_else_as_before() -> None:
    drawn = Track("rod", (Keyframe(1, rod(50, 0).box, angle=40.0),))
    seen = {3: [rod(60, -42), rod(60, 10, "other")], 5: [rod(150, 0)]}
    bounds = {1: drawn.keyframes[0].bounds, 3: rod(60, -42).bounds, 5: rod(70, 0).box}
    track = Track("rod", tuple(Keyframe(n, box, enabled=n != 5) for n, box in bounds.items()))
    first, second, third = restore_angles(track, seen, drawn).keyframes
    assert first == drawn.keyframes[0]
    # By 8 degrees on, and not by 82 back: the sides are exchanged.
    assert second.angle == pytest.approx(48)
    assert second.box == pytest.approx((55, 25, 65, 65))
    assert (third.angle, third.enabled) == (second.angle, False)
    assert third.box == pytest.approx((65, 25, 75, 65))


def test_hulls_stay_in_the_picture() -> None:
    track = Track("rod", (Keyframe(1, rod(5, 0).box, angle=30.0),))
    [one] = upright_track(track, SIZE).keyframes
    assert one.angle == 0
    assert one.box[0] == 0.0
    assert one.box[2] == pytest.approx(track.keyframes[0].bounds[2])
