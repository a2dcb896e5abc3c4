"""What a picture alone tells: made-up things whose outline is known."""

import time
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from backend.learning.geometry.boxes import mask_bounds
from backend.learning.prompting import clicks, fallback_chain, pick, propagate, segment
from backend.learning.prompting.click_memory import ClickMemory
from backend.learning.prompting.crop import cut
from backend.learning.prompting.outlines import most_in_common, solidity
from backend.learning.prompting.random_walker import graph, walk
from backend.types import Frame, Head, Instance, LabeledFrame, Mask, Prompt

BACKBONE = "tf_efficientnet_lite0"


def scene(shift: int = 0, noise: int = 20) -> tuple[Frame, Mask]:
    """A bright disc with a bite taken out of it on dark noise."""
    rng = np.random.default_rng(0)
    image = rng.integers(40, 40 + noise, (120, 160, 3)).astype(np.uint8)
    y, x = np.mgrid[:120, :160]
    mask = (np.hypot(x - 70 - shift, y - 60) < 30) & ~((x > 70 + shift) & (y > 60))
    image[mask] = rng.integers(180, 180 + noise, (int(mask.sum()), 3)) * np.array([1, 0.7, 0.3])
    return Frame(1 + shift, image, 160, 120, float(shift)), mask


@pytest.mark.parametrize(
    "prompt",
    [
        Prompt(box=(38, 27, 102, 93)),
        Prompt(inside=((55, 50),)),
        Prompt(inside=((55, 50), (85, 45)), outside=((85, 80), (5, 5))),
        Prompt(outline=scene()[1]),
        Prompt(stroke=(np.abs(np.mgrid[:120, :160][0] - 50) < 3) & (np.abs(np.mgrid[:120, :160][1] - 65) < 20)),
    ],
    ids=["box", "click", "clicks", "outline", "stroke"],
)
def test_the_object_stands_out(prompt: Prompt) -> None:
    frame, truth = scene()
    found = segment.segment(frame, prompt, BACKBONE)
    assert found is not None
    assert pick.iou(found, truth) > 0.75


def test_a_smaller_copy_of_a_large_image_is_answered_in_the_original_size() -> None:
    frame, truth = scene()
    half = Frame(1, np.ascontiguousarray(frame.image[::2, ::2]), 160, 120)
    found = segment.segment(half, Prompt(box=(38, 27, 102, 93)), BACKBONE)
    assert found is not None
    assert found.shape == (120, 160)
    assert pick.iou(found, truth) > 0.75


def test_where_nothing_was_said_there_is_nothing() -> None:
    assert segment.segment(scene()[0], Prompt(), BACKBONE) is None
    assert segment.segment(scene()[0], Prompt(outside=((3, 3),)), BACKBONE) is None


@settings(deadline=None, max_examples=8)
@given(st.tuples(*[st.floats(0, 159)] * 2, *[st.floats(0, 119)] * 2))
def test_any_box_in_any_image_gives_a_mask_of_the_image_or_none(edges: tuple[float, ...]) -> None:
    frame, _ = scene()
    x0, x1, y0, y1 = min(edges[:2]), max(edges[:2]), min(edges[2:]), max(edges[2:])
    found = segment.segment(frame, Prompt(box=(x0, y0, x1, y1)), BACKBONE)
    assert found is None or (found.shape == (120, 160) and found.any())


@pytest.mark.parametrize("size", [(2, 2), (1, 40), (3, 500)])
def test_tiny_and_narrow_images(size: tuple[int, int]) -> None:
    frame = Frame(1, np.zeros((*size, 3), np.uint8), size[1], size[0])
    found = segment.segment(frame, Prompt(box=(0, 0, size[1], size[0])), BACKBONE)
    assert found is None or found.shape == size
    found = segment.segment(frame, Prompt(inside=((0.5, 0.5),)), BACKBONE)
    assert found is None or found.shape == size


def test_cells_and_pixels_agree() -> None:
    frame, mask = scene()
    crop = cut(frame, (20, 10, 130, 110), BACKBONE)
    cells = crop.cells_of(mask)
    assert pick.iou(crop.mask_of(cells, 0.5), mask) > 0.9
    x, y = crop.centres
    assert (x.min() > 20, x.max() < 130, y.min() > 10, y.max() < 110) == (True,) * 4


def test_a_walk_with_full_trust_is_its_prior() -> None:
    features = np.random.default_rng(0).normal(size=(6, 5, 4)).astype(np.float32)
    weights = graph(features, np.zeros((6, 5, 2), np.float32))
    assert abs(weights - weights.T).max() < 1e-6
    prior = np.random.default_rng(1).random((6, 5)).astype(np.float32)
    assert np.allclose(walk(weights, prior, np.full((6, 5), 1e6, np.float32)), prior, atol=1e-3)
    assert np.ptp(walk(weights, prior, np.full((6, 5), 1e-4, np.float32))) < np.ptp(prior)


def test_a_uniform_picture_has_no_features_and_breaks_nothing() -> None:
    crop = cut(Frame(1, np.full((50, 50, 3), 7, np.uint8), 50, 50), (0, 0, 50, 50), BACKBONE)
    assert np.isfinite(crop.features).all()


def chances(*parts: tuple[slice, slice, float]) -> np.ndarray:
    found = np.zeros((40, 60), np.float32)
    for rows, columns, value in parts:
        found[rows, columns] = value
    return found


TWO = chances((np.s_[5:15], np.s_[5:20], 0.9), (np.s_[20:35], np.s_[40:55], 0.8))


def test_of_a_map_that_part_is_meant_which_the_prompt_touches() -> None:
    left = pick.under(TWO, Prompt(inside=((10, 10),)), whole=False)
    assert left is not None
    assert mask_bounds(left) == (5, 5, 20, 15)
    both = pick.under(TWO, Prompt(inside=((10, 10), (45, 30))), whole=False)
    assert both is not None
    assert mask_bounds(both) == (5, 5, 55, 35)
    assert pick.under(TWO, Prompt(inside=((10, 10), (45, 30))), whole=True) is None, "it would be two regions"
    boxed = pick.under(TWO, Prompt(box=(38, 18, 57, 37)), whole=True)
    assert boxed is not None
    assert mask_bounds(boxed) == (40, 20, 55, 35)


@pytest.mark.parametrize(
    "prompt",
    [
        Prompt(inside=((30, 10),)),
        Prompt(inside=((10, 10),), outside=((12, 12),)),
        Prompt(box=(22, 2, 35, 15)),
        Prompt(box=(0, 0, 60, 40)),
        Prompt(),
    ],
    ids=["beside", "contradiction", "empty box", "far too large", "nothing"],
)
def test_where_a_map_knows_no_such_object_it_does_not_answer(prompt: Prompt) -> None:
    assert pick.under(chances((np.s_[5:10], np.s_[5:20], 0.9)), prompt, whole=True) is None


def test_what_fills_less_than_half_of_a_box_is_something_else_unless_the_box_is_rough() -> None:
    known, box = chances((np.s_[5:15], np.s_[5:20], 0.9)), Prompt(box=(0, 0, 25, 15))
    assert pick.under(known, box, whole=True) is None
    rough = pick.under(known, box, whole=True, rough=True)
    assert rough is not None
    assert mask_bounds(rough) == (5, 5, 20, 15)


def test_a_box_chooses_the_threshold() -> None:
    doubtful = chances((np.s_[5:25], np.s_[5:35], 0.35), (np.s_[10:20], np.s_[12:27], 0.9))
    for box, expected in (((4, 4, 36, 26), (5, 5, 35, 25)), ((11, 9, 28, 21), (12, 10, 27, 20))):
        found = pick.under(doubtful, Prompt(box=box), whole=True)
        assert found is not None
        assert mask_bounds(found) == expected


def test_of_probable_parts_that_one_is_taken_which_has_most_in_common_with_them() -> None:
    parts = np.zeros((4, 10), np.float32)
    for row, size in enumerate((4, 5, 6)):
        parts[row, :size] = 1
    parts[3, 7:] = 1
    even = np.array([0.0, 0.0, 0.0, 0.1], np.float32)
    assert most_in_common(parts, even, 1.0) == 1, (
        "the middle of three that agree, and not the odd one with the best score"
    )
    assert most_in_common(parts, even, 100.0) == 3
    assert most_in_common(parts[:1], even[:1], 1.0) == 0


def test_a_part_that_fills_its_hull_is_solid() -> None:
    square, corner = np.zeros((2, 20, 20), np.bool_)
    square[4:14, 4:14] = corner[4:14, 4:14] = True
    corner[7:14, 7:14] = False
    assert solidity(square) > 0.95
    assert solidity(corner) < 0.8


def test_a_larger_frame_takes_hardly_longer() -> None:
    def seconds(scale: int) -> float:
        image = np.ascontiguousarray(scene()[0].image.repeat(scale, 0).repeat(scale, 1))
        frame, clicked = Frame(1, image, 160 * scale, 120 * scale), Prompt(inside=((55 * scale, 50 * scale),))
        taken = []
        for _ in range(3):
            began = time.process_time()
            segment.segment(frame, clicked, BACKBONE)
            taken.append(time.process_time() - began)
        return min(taken)

    seconds(1)  # loads the network
    assert seconds(12) < 4 * seconds(3), "of sixteen times as many pixels"


def test_a_click_takes_a_few_times_as_long_as_a_box_and_further_ones_do_not_add_up() -> None:
    frame, memory = scene()[0], ClickMemory()
    spots = [(88.0, 80.0), (84.0, 76.0), (92.0, 84.0), (80.0, 70.0), (100.0, 85.0)]  # in the bite

    def seconds(prompt: Prompt) -> float:
        began = time.process_time()
        segment.segment(frame, prompt, BACKBONE, memory)
        return time.process_time() - began

    box = Prompt(box=(38, 27, 102, 93))
    seconds(box)  # loads the network
    unit, first = min(seconds(box) for _ in range(3)), seconds(Prompt(inside=((55, 50),)))
    further = [seconds(Prompt(inside=((55, 50),), outside=tuple(spots[: count + 1]))) for count in range(len(spots))]
    assert first < 8 * unit, "it looks at three zooms"
    assert sorted(further)[len(further) // 2] < 4 * unit, "each looks at one window"


def test_a_rough_box_snaps_to_the_object() -> None:
    frame, truth = scene()
    true = mask_bounds(truth)
    for drawn in ((30, 20, 90, 85), (50, 40, 115, 105), (25, 15, 120, 110)):
        found = segment.snapped(frame, drawn, BACKBONE)
        assert found is not None
        assert pick.overlap(found, true) > max(pick.overlap(drawn, true), 0.7)
    wanted = fallback_chain.PromptContext(Head.DETECTION, "disc", BACKBONE)
    answer = fallback_chain.answer(frame, Prompt(box=(30, 20, 90, 85)), wanted)
    assert answer is not None
    assert answer.who == fallback_chain.PICTURE
    assert answer.instance.mask is None
    assert pick.overlap(answer.instance.box, true) > 0.7


def test_a_rough_box_snaps_to_the_mean_of_probable_boxes() -> None:
    crop = cut(scene()[0], (0, 0, 160, 120), BACKBONE)
    found = np.zeros(crop.shape, np.float32)
    found[10:20, 10:22], found[12:18, 12:18] = 0.5, 1.0
    mean = segment._mean_box(crop, found, (45.0, 45.0, 65.0, 65.0))
    assert mean is not None
    cell = crop.box[2] / crop.shape[1]
    assert 10 * cell <= mean[0] <= 12 * cell
    assert 18 * cell <= mean[2] <= 22 * cell
    assert segment._mean_box(crop, np.zeros_like(found), (45.0, 45.0, 65.0, 65.0)) is None


def test_clicks_choose_the_threshold() -> None:
    bridge = chances(
        (np.s_[5:15], np.s_[5:20], 0.9), (np.s_[8:12], np.s_[20:40], 0.55), (np.s_[5:15], np.s_[40:55], 0.9)
    )
    found = pick.under(bridge, Prompt(inside=((10, 10),), outside=((50, 10),)), whole=True)
    assert found is not None
    assert mask_bounds(found) == (5, 5, 20, 15)


def test_a_drawn_mask_is_carried_along_a_small_motion_and_not_over_a_cut() -> None:
    (before, mask), (now, truth) = scene(), scene(shift=4)
    labeled = LabeledFrame(before, (Instance("disc", mask_bounds(mask), mask=mask),))
    carried = propagate.chances(now, [labeled], "disc")
    assert carried is not None
    assert pick.iou(carried >= 0.5, truth) > 0.85
    assert propagate.chances(now, [labeled], "other") is None
    assert propagate.chances(now, [], "disc") is None
    cut_to = Frame(9, np.random.default_rng(5).integers(0, 255, (120, 160, 3), np.uint8), 160, 120, 9.0)
    assert propagate.chances(cut_to, [labeled], "disc") is None
    wanted = fallback_chain.PromptContext(Head.DETECTION, "disc", BACKBONE, labeled=[labeled])
    found = fallback_chain.answer(now, Prompt(box=mask_bounds(truth)), wanted)
    assert found is not None
    assert found.who == fallback_chain.PROPAGATED
    assert found.instance.mask is None, "a box is asked for"


def test_without_labels_nobody_knows_what_the_points_are() -> None:
    wanted = fallback_chain.PromptContext(Head.POSE, "nose", BACKBONE)
    assert fallback_chain.answer(scene()[0], Prompt(inside=((50, 50),)), wanted) is None


def test_further_clicks_mend_what_the_first_one_found_and_do_not_look_for_it_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    looked, search = list[object](), clicks.from_clicks
    monkeypatch.setattr(clicks, "from_clicks", lambda *args: (looked.append(args), search(*args))[1])
    frame, memory = scene()[0], ClickMemory()
    x, y = frame.width / 2, frame.height / 2
    for image in (frame.image, frame.image.copy(), 255 - frame.image):
        shown = replace(frame, image=image)
        for outside in ((), ((1.0, 1.0),)):
            segment.segment(shown, Prompt(inside=((x, y),), outside=outside), BACKBONE, memory=memory)
    assert len(looked) == 2, "once for each picture, however often it is decoded"
