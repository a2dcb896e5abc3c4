import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from backend.learning.geometry.scaling import Scale, scale_for, to_batch, to_tensor
from backend.types import Frame, Instance, LabeledFrame


def _labeled(*sides: float) -> LabeledFrame:
    blank = Frame(1, np.zeros((4, 4, 3), np.uint8), 4, 4)
    return LabeledFrame(blank, tuple(Instance("a", (0.0, 0.0, side, side)) for side in sides))


@pytest.mark.parametrize(("sides", "factor"), [((), 40 / 64), ((80.0,), 0.5), ((4.0,), 2.0), ((0.0,), 40 / 64)])
def test_objects_are_brought_to_one_size(sides: tuple[float, ...], factor: float) -> None:
    assert scale_for([_labeled(*sides)], 40, 2.0, 10**9).factor == pytest.approx(factor)


@given(st.integers(1, 400), st.integers(1, 400), st.floats(0.05, 2), st.integers(500, 50_000))
def test_frames_stay_below_the_limit(width: int, height: int, factor: float, pixels: int) -> None:
    frame = Frame(1, np.zeros((height, width, 3), np.uint8), width, height)
    scaled, found = to_tensor(frame, Scale(factor, pixels))
    assert found <= factor
    assert scaled.dtype == torch.uint8
    assert (scaled.shape[1] - 0.5) * (scaled.shape[2] - 0.5) <= max(pixels, 1) * 1.01 or 1 in scaled.shape[1:]


def test_a_reduced_image_is_measured_in_original_pixels() -> None:
    scaled, factor = to_tensor(Frame(1, np.zeros((50, 100, 3), np.uint8), 200, 100), Scale(1.0, 10**6))
    assert (scaled.shape, factor) == ((3, 100, 200), 1.0)


@pytest.mark.parametrize("shape", [(8, 8), (8, 8, 1), (8, 8, 4)])
def test_any_number_of_channels(shape: tuple[int, ...]) -> None:
    image = np.full(shape, 7, np.uint8)
    image.setflags(write=False)
    scaled, _ = to_tensor(Frame(1, image, 8, 8), Scale(1.0, 10**6))
    assert scaled.shape == (3, 8, 8)
    assert (scaled == 7).all()


def test_batches_are_padded_with_grey() -> None:
    batch = to_batch([torch.zeros((3, 5, 17), dtype=torch.uint8), torch.zeros((3, 16, 3), dtype=torch.uint8)])
    assert batch.shape == (2, 3, 16, 32)
    assert batch[0, 0, 4, 16] == 0
    assert batch[0, 0, 5, 0] == 0.5


def test_frames_of_another_size_are_scaled_as_if_they_had_the_usual_one() -> None:
    scale = Scale(0.5, 10**6, area=400 * 200)
    assert [scale.of(400, 200), scale.of(200, 100), scale.of(800, 400), scale.of(200, 400)] == [0.5, 1.0, 0.25, 0.5]


def test_objects_are_measured_in_frames_of_the_usual_size() -> None:
    def square(size: int, side: float) -> LabeledFrame:
        frame = Frame(1, np.zeros((4, 4, 3), np.uint8), size, size)
        return LabeledFrame(frame, (Instance("a", (0.0, 0.0, side, side)),))

    same = [square(400, 80.0), square(200, 40.0), square(800, 160.0)]
    assert scale_for(same, 40, 2.0, 10**9) == Scale(0.5, 10**9, 400.0 * 400)


@pytest.mark.parametrize("size", [(640, 480), (64, 48), (4000, 3000)])
def test_half_a_scale_is_half_of_it_in_frames_of_any_size(size: tuple[int, int]) -> None:
    scale = Scale(0.8, 320_000, 640 * 480)
    assert scale.halved.of(*size) == pytest.approx(scale.of(*size) / 2)
