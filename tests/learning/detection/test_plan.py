import numpy as np
import pytest

from backend.learning.detection.config import MIN_LINKED_CANDIDATES
from backend.learning.detection.plan import plan
from backend.learning.detection.recipe import DetectionRecipe
from backend.types import Frame, Instance, LabeledFrame

RECIPE = DetectionRecipe()


def frame(cells: int, people: int = 0) -> LabeledFrame:
    names = ["cell"] * cells + ["person"] * people
    boxes = [(float(i % 40), float(i // 40), float(i % 40 + 8), float(i // 40 + 8)) for i in range(len(names))]
    return LabeledFrame(
        Frame(0, np.zeros((64, 64, 3), np.uint8), 64, 64, 0.0),
        tuple(Instance(name, box) for name, box in zip(names, boxes, strict=True)),
    )


@pytest.mark.parametrize("counts", [[], [0], [1, 0, 2]])
def test_few_objects(counts: list[int]) -> None:
    found = plan([frame(n) for n in counts], ("cell",), RECIPE)
    assert found.most_candidates == RECIPE.most_candidates
    assert found.candidates(0) == (MIN_LINKED_CANDIDATES if counts else RECIPE.most_candidates)


def test_a_crowd_has_room() -> None:
    found = plan([frame(150, 2), frame(90)], ("cell", "person"), RECIPE)
    assert found.candidates(0) > 2 * 150
    assert found.candidates(1) == MIN_LINKED_CANDIDATES
    assert found.most_candidates >= found.candidates(0) + found.candidates(1)


def test_elsewhere_a_crowd_still_has_room() -> None:
    assert plan([frame(150)], ("cell",), RECIPE).for_other_group().candidates(0) > 2 * 150


@pytest.mark.parametrize(
    ("size", "side", "pixels"),
    [
        ((640, 360), 30, RECIPE.frame_pixels),
        ((640, 360), 3, 1_300_000),
        ((1920, 1080), 60, RECIPE.frame_pixels),
        ((1920, 1080), 15, 1920 * 1080 * 4 / 9),
        ((3840, 2160), 12, RECIPE.most_pixels),
    ],
)
def test_small_objects_of_large_frames_are_looked_at_closely(size: tuple[int, int], side: int, pixels: float) -> None:
    one = LabeledFrame(
        Frame(0, np.zeros((9, 16, 3), np.uint8), *size, 0.0), (Instance("car", (50.0, 50.0, 50.0 + side, 50.0 + side)),)
    )
    assert plan([one], ("car",), RECIPE).pixels == pytest.approx(pixels, rel=1e-3)


@pytest.mark.parametrize(
    ("sides", "halved"), [((20,), False), ((20, 20, 35), False), ((20, 20, 45), True), ((), False)]
)
def test_frames_are_seen_at_half_the_scale_too_where_some_objects_are_large(
    sides: tuple[int, ...], halved: bool
) -> None:
    boxes = tuple(Instance("car", (9.0, 9.0, 9.0 + side, 9.0 + side)) for side in sides)
    one = LabeledFrame(Frame(0, np.zeros((90, 160, 3), np.uint8), 160, 90, 0.0), boxes)
    found = plan([one], ("car",), RECIPE)
    whole, half = (found.factor, 0.0), (found.factor / 2, RECIPE.object_side)
    assert [(scale.of(160, 90), least) for scale, least in found.looks] == [whole, half][: 1 + halved]


def test_a_small_thing_that_grows_is_seen_at_one_scale() -> None:
    boxes = tuple(Instance("car", (9.0, 9.0, 9.0 + side, 9.0 + side)) for side in (8, 8, 24))
    one = LabeledFrame(Frame(0, np.zeros((90, 160, 3), np.uint8), 160, 90), boxes)
    assert plan([one], ("car",), RECIPE).large == 0


def test_turned_boxes_are_seen_at_one_scale() -> None:
    boxes = tuple(Instance("car", (9.0, 9.0, 9.0 + side, 9.0 + side), angle=30.0) for side in (20, 20, 80))
    one = LabeledFrame(Frame(0, np.zeros((90, 160, 3), np.uint8), 160, 90), boxes)
    assert plan([one], ("car",), RECIPE).large == 0
