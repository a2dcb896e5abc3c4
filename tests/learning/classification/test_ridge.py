import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.learning.classification.ridge import Linear, _left_out, fit, probabilities

RIDGE = 0.05


def frames(count: int, classes: int = 2, apart: float = 5.0, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Vectors of which some numbers tell the class, and targets."""
    rng = np.random.default_rng(seed)
    kinds = np.arange(count) % classes
    vectors = rng.standard_normal((count, 12))
    vectors[:, :classes] += apart * np.eye(classes)[kinds]
    return vectors, np.eye(classes)[kinds]


def chances(linear: Linear, vectors: np.ndarray, single: bool = True) -> np.ndarray:
    return probabilities(linear.odds(vectors), single)


def test_what_tells_the_class_is_found() -> None:
    vectors, targets = frames(60, 3)
    linear = fit(vectors[:15], targets[:15], np.ones(15), RIDGE, True)
    assert (chances(linear, vectors).argmax(1) == targets.argmax(1))[15:].mean() > 0.95


def test_scores_are_as_sure_as_the_labels_are_telling() -> None:
    sure = {}
    for apart in (0.0, 1.0, 5.0):
        vectors, targets = frames(40, apart=apart)
        linear = fit(vectors[:20], targets[:20], np.ones(20), RIDGE, True)
        sure[apart] = chances(linear, vectors[20:]).max(1).mean()
    assert sure[0.0] < 0.65
    assert sure[0.0] < sure[1.0] < sure[5.0]
    assert sure[5.0] > 0.95


def test_one_class_may_be_rare() -> None:
    vectors, targets = frames(40)
    kept = np.flatnonzero((targets[:, 0] == 1) | (np.arange(40) < 4))
    linear = fit(vectors[kept], targets[kept], np.ones(len(kept)), RIDGE, True)
    assert (chances(linear, vectors).argmax(1) == targets.argmax(1)).mean() > 0.9


def test_what_counts_little_changes_little() -> None:
    vectors, targets = frames(10)
    wrong = np.concatenate([targets[:-1], 1 - targets[-1:]])
    at_end = [
        chances(fit(vectors, wrong, np.array([1.0] * 9 + [weight]), RIDGE, True), vectors)[-1] @ wrong[-1]
        for weight in (0.01, 0.4, 1.0)
    ]
    assert at_end == sorted(at_end)
    assert at_end[0] < 0.5


@given(st.integers(3, 8), st.floats(0.01, 1.0), st.integers(0, 100), st.integers(1, 3))
def test_left_out_is_what_it_would_be_without_the_label(count: int, penalty: float, seed: int, rows: int) -> None:
    """Against a regression on the others, frame by frame, with the same penalty; of `rows` rows each."""
    vectors, targets = frames(count, seed=seed)

    def regression(kept: np.ndarray, at: np.ndarray) -> np.ndarray:
        middle, base = vectors[kept].mean(0), targets[kept].mean(0)
        centred = vectors[kept] - middle
        inner = np.linalg.inv(centred @ centred.T + penalty * np.eye(len(kept)))
        return base + (at - middle) @ centred.T @ inner @ (targets[kept] - base)

    centred = vectors - vectors.mean(0)
    alike = centred @ centred.T
    frame = np.arange(count) // min(rows, (count + 1) // 2)
    smoother = alike @ np.linalg.inv(alike + penalty * np.eye(count))
    found = _left_out(smoother, np.full(count, 1 / count), targets, frame)
    expected = [regression(np.flatnonzero(frame != frame[i]), vectors[i]) for i in range(count)]
    assert found == pytest.approx(np.array(expected), abs=1e-6)


@pytest.mark.parametrize("targets", [np.ones((1, 1)), np.eye(2)[[0]], np.eye(2)[[0, 0]], np.eye(2), np.zeros((3, 2))])
@pytest.mark.parametrize("single", [True, False])
@pytest.mark.parametrize("alike", [True, False])
def test_too_few_labels_to_compare(targets: np.ndarray, single: bool, alike: bool) -> None:
    vectors = np.ones((len(targets), 4)) if alike else frames(len(targets))[0][:, :4]
    linear = fit(vectors, targets, np.ones(len(targets)), RIDGE, single)
    found = chances(linear, np.concatenate([vectors, vectors + 1]), single)
    assert np.isfinite(found).all()
    assert ((found >= 0) & (found <= 1)).all()
    if len(targets) == 1 and targets.shape[1] == 2:
        assert found[:, 0].min() > 0.5, "the one class that was ever chosen"


def test_several_classes_a_frame_are_told_one_by_one() -> None:
    rng = np.random.default_rng(0)
    targets = rng.integers(0, 2, (80, 2)).astype(float)
    vectors = rng.standard_normal((80, 12))
    vectors[:, :2] += 5 * targets
    linear = fit(vectors[:30], targets[:30], np.ones(30), RIDGE, False)
    assert ((chances(linear, vectors, False) > 0.5) == targets)[30:].mean() > 0.95
