"""What compositions say, and which are refused."""

import numpy as np
import pytest

from backend.errors import CompositionError, WeightsUnusable
from backend.instances import PREDICTED, Instances
from backend.learning.attributes.crops import crop
from backend.objects import micro_model as micro_models
from backend.objects.abstain import abstain
from backend.objects.asked import inferred
from backend.objects.frames import InputFrame
from backend.objects.micro_model import MicroModel
from backend.objects.routing import by_group, by_time
from backend.objects.track import track
from backend.objects.whole import whole
from backend.types import Frame, Weights
from tests.objects.made import MadeUp, boxes, classes, frame, micro_model, points

TWO = boxes(["cat", "dog"], [(3, 4, 0.9, 0), (20, 20, 0.4, 1)])


def test_what_is_found_says_who_found_it() -> None:
    found = TWO(frame())
    assert found.label.tolist() == ["cat", "dog"]
    assert found.xyxy[0].tolist() == [3, 4, 11, 12]
    assert found.version.tolist() == ["'a' v1"] * 2
    assert found.origin.tolist() == [PREDICTED] * 2


def test_a_chain_hands_on_the_same_objects() -> None:
    line = TWO >> points("nose", "tail").inside() >> classes("calm", "wild").crops("mood") >> track()
    found = line(frame(200))
    assert found.label.tolist() == ["cat", "dog"]
    assert found.score == pytest.approx([0.9, 0.4])
    assert found.keypoint_names == ("nose", "tail")
    assert found.keypoints[0] == pytest.approx(np.array([(7, 8), (8, 8)]) + 200 / 255)
    assert found.attributes == ({"mood": "wild", "mood score": 0.6},) * 2
    assert found.track.tolist() == [0, 1]
    assert [part.title for part in line.parts[1:]] == ["'a' v1.inside()", "'a' v1.crops('mood')", "track()"]


def test_a_chain_behind_nothing_finds_nothing() -> None:
    found = (boxes(["cat"], []) >> points("nose").inside() >> classes("calm").crops())(frame())
    assert len(found) == 0
    assert found.keypoint_names == ("nose",)


def test_points_of_a_box_keep_their_objects_when_some_are_left_out() -> None:
    line = TWO >> points("nose", "tail").only("tail").above(0.99).inside()
    found = line(frame())
    assert (len(found), found.keypoint_names) == (2, ("tail",))
    assert np.isnan(found.keypoints).all()


def test_points_of_a_second_model_stand_beside_those_of_the_first() -> None:
    found = (TWO >> points("nose").inside() >> points("tail", "nose").inside())(frame())
    assert found.keypoint_names == ("tail", "nose")


def test_the_least_certain_part_counts_and_its_name_is_the_control() -> None:
    line = TWO >> classes("calm").crops()
    [answer] = line.answers([InputFrame(Frame(0, frame(), 40, 40))])
    assert answer.score == 0.75
    assert set(answer.found.attributes[0]) == {"classification", "classification score"}


def test_a_crop_is_what_the_box_shows_of_a_frame_that_was_scaled_down() -> None:
    image = np.arange(10 * 20 * 3, dtype=np.uint8).reshape(10, 20, 3)
    seen = crop(Frame(0, image, 40, 20), (4.0, 4.0, 13.0, 9.0))
    assert np.array_equal(seen.image, image[2:5, 2:7])
    assert (seen.width, seen.height) == (10, 6)


@pytest.mark.parametrize("box", [(-9, -9, -3, -3), (99, 99, 120, 120), (5, 5, 5, 5)])
def test_a_box_beyond_the_frame_has_a_crop_of_a_pixel(box: tuple[float, ...]) -> None:
    assert crop(Frame(0, frame(), 40, 40), box).image.shape == (1, 1, 3)


def test_each_speaks_for_its_group() -> None:
    scene = by_group({"a": boxes(["cat"]), "b.mp4": boxes(["dog"])}, otherwise=boxes(["owl"]))
    assert [scene(frame(), group=name).label.tolist() for name in ("a", "b.mp4", "c")] == [["cat"], ["dog"], ["owl"]]
    assert scene(frame()).label.tolist() == ["owl"]
    assert scene.labels == ("cat", "dog", "owl")


def test_each_speaks_for_its_time() -> None:
    film = by_time({(2, None): boxes(["dog"]), (0, 1): boxes(["cat"])})
    assert [one.label.tolist() for _, one in film.film([frame()] * 4)] == [["cat"], [], ["dog"], ["dog"]]
    assert film(frame()).label.tolist() == []
    assert film(frame(), number=7).label.tolist() == ["dog"]


def test_tracks_of_parts_are_told_apart() -> None:
    both = boxes(["cat"]) | boxes(["dog"], [(20, 20, 0.9, 0)])
    assert all(len(set(one.track.tolist())) == 2 for _, one in both.film([frame()] * 3))


def test_a_part_that_fails_is_left_out_with_a_warning(monkeypatch: pytest.MonkeyPatch) -> None:
    def load(weights: Weights) -> MadeUp:
        if "dog" in weights.metadata["blueprint"]:
            raise WeightsUnusable("The weights make no micro-model: train this group again.")
        return MadeUp(weights)

    monkeypatch.setattr(micro_models, "load", load)
    with pytest.warns(UserWarning, match="'b' v1 says nothing: The weights make no"):
        found = (boxes(["cat"]) | boxes(["dog"], group="b"))(frame())
    assert found.label.tolist() == ["cat"]
    with pytest.raises(WeightsUnusable):
        boxes(["dog"])(frame())


@pytest.mark.parametrize(
    ("build", "found", "expected"),
    [
        (lambda: TWO.only("cow"), "'cow'", "'cat', 'dog'"),
        (lambda: TWO.only(), "no label", "'cat', 'dog'"),
        (lambda: abstain.only("cat"), "'cat'", "it has none"),
        (lambda: TWO.above(1.5), "1.5", r"\[0, 1\]"),
        (lambda: TWO >> TWO, "looks at whole frames", "joined by |"),
        (lambda: TWO >> 3, "that is no step", r"points.inside\(\)"),
        (lambda: TWO | track(), "after |", "chained"),
        (lambda: TWO | None, "None", "model"),
        (lambda: TWO.inside(), "to look inside boxes", "a pose micro-model"),
        (lambda: micro_model("pose", ["nose"]).inside(), "to look inside boxes", "rectangle around"),
        (lambda: (points("a") | points("b")).inside(), "to look inside boxes", "pose micro-model"),
        (lambda: TWO.crops(), "to look at crops", "micro-model of classes"),
        (lambda: classes("calm") >> track(), "class of whole frames", r"boxes >> mood.crops\(\)"),
        (lambda: points("nose") >> track(), "beginning of a chain", r"boxes >> points.inside\(\)"),
        (lambda: track() >> TWO, "behind the step", "another step"),
        (lambda: points("nose")(frame()), "was given none", r"boxes >> points.inside\(\)"),
        (lambda: by_group({}), "no group", "one at least"),
        (lambda: by_group({"a": 3}), "3", "micro-model or a composition"),
        (lambda: by_time({}), "no span", "one at least"),
        (lambda: by_time({(0, 5): TWO, (4, None): TWO}), r"\(4, None\) after frame 5", "do not overlap"),
        (lambda: by_time({(0, None): TWO, (4, 8): TWO}), r"\(4, 8\) after frame inf", "do not overlap"),
        (lambda: by_time({(3, 3): TWO}), r"\(3, 3\)", "a frame at least"),
        (lambda: by_time({(-1, 3): TWO}), r"\(-1, 3\)", "from frame 0"),
    ],
)  # fmt: skip
def test_what_does_not_fit_is_refused_when_it_is_built(build: object, found: str, expected: str) -> None:
    with pytest.raises(CompositionError, match=f"(?s){found}.*{expected}".replace("|", r"\|")):
        build()  # type: ignore[operator]


@pytest.mark.parametrize(
    "metadata", [{}, {"head": "detection"}, {"head": "pose", "blueprint": "{"}, {"head": "x", "blueprint": "{}"}]
)
def test_weights_that_do_not_say_what_they_are_make_no_micro_model(metadata: dict[str, str]) -> None:
    with pytest.raises(WeightsUnusable, match="Expected"):
        MicroModel(Weights({}, metadata))


def test_a_model_says_what_it_is() -> None:
    assert repr(TWO) == "<MicroModel detection 'a' v1: 2 labels, 0.0 MB>"
    assert repr(TWO.only("cat") | classes("calm")) == "<Union 'a' v1.only('cat') | 'a' v1: 2 labels>"


def test_the_micro_models_of_a_group_are_put_together_as_a_config_would_where_it_is_not_known() -> None:
    kinds = micro_model("classification", ["up", "down"], parented=True)
    hands = points("hand")
    models = {"kind": kinds, "hands": hands, "label": TWO, "scene": classes("day", "night")}
    found = whole(inferred(models), models)
    expected = TWO >> hands.inside() >> kinds.crops("kind") | classes("day", "night")
    assert rows_of(found(frame())) == rows_of(expected(frame()))
    assert {one.card.control for one in found.parts} == {"classification", "pose", "detection"}  # type: ignore[attr-defined]
    assert whole(inferred({"label": TWO}), {"label": TWO}) == TWO
    hanging = {"kind": kinds, "hands": hands}
    assert whole(inferred(hanging), hanging) == abstain, "there are no boxes"
    assert whole((), {}) == abstain


def rows_of(found: Instances) -> list[str]:
    """All that is said of each object, the objects in any order."""
    columns = (found.xyxy, found.label, found.score, found.keypoints, found.keypoint_score, found.visibility)
    return sorted(map(str, zip(*(column.tolist() for column in columns), found.attributes, strict=True)))
