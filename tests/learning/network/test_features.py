import numpy as np
import pytest

from backend.learning.network.backbone import DEFAULT_BACKBONE
from backend.learning.network.features import FRAMES_PER_BATCH, vectors
from backend.types import Frame


def frame(task: int, value: float, shape: tuple[int, ...] = (40, 60, 3)) -> Frame:
    rng = np.random.default_rng(0)
    image = np.clip(value + rng.normal(0, 20, shape), 0, 255).astype(np.uint8)
    return Frame(task, image, shape[1], shape[0])


def test_no_frame() -> None:
    assert vectors([], DEFAULT_BACKBONE).shape == (0, 224)


def test_one_vector_a_frame_in_their_order_whatever_the_batch() -> None:
    frames = [frame(n, 10.0 * n) for n in range(FRAMES_PER_BATCH + 2)]
    found = vectors(iter(frames), DEFAULT_BACKBONE)
    assert (found.shape, found.dtype) == ((FRAMES_PER_BATCH + 2, 224), np.float16)
    assert np.isfinite(found).all()
    assert found[-1].tolist() == pytest.approx(vectors(frames[-1:], DEFAULT_BACKBONE)[0].tolist(), abs=0.02)


def test_what_looks_alike_is_near() -> None:
    a, b, c = vectors([frame(1, 60), frame(2, 64), frame(3, 200)], DEFAULT_BACKBONE).astype(np.float64)
    assert np.linalg.norm(a - b) < np.linalg.norm(a - c) / 2


@pytest.mark.parametrize("shape", [(1, 1, 3), (3, 900, 3), (900, 3, 3)])
def test_frames_of_any_shape(shape: tuple[int, ...]) -> None:
    assert np.isfinite(vectors([frame(1, 100, shape)], DEFAULT_BACKBONE)).all()
