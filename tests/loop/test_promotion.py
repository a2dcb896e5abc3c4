import pytest

from backend.loop.promotion import decide
from backend.types import Metrics


def metrics(f1: float | None, frames: int = 5) -> Metrics:
    return Metrics(frames, f1, f1, f1)


@pytest.mark.parametrize(
    ("candidate", "serving", "promote"),
    [
        (metrics(None), None, True),
        (metrics(0.1), None, True),
        (metrics(0.1), metrics(None), True),
        (metrics(None), metrics(0.5), False),
        (metrics(0.5), metrics(0.9), False),
        (metrics(0.895), metrics(0.9), True),
        (metrics(0.9), metrics(0.9), True),
        (metrics(0.95), metrics(0.9), True),
    ],
)
def test_decide(candidate: Metrics, serving: Metrics | None, promote: bool) -> None:
    decision = decide(candidate, serving)
    assert decision.promote is promote
    assert decision.reason
