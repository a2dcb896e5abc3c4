import pytest

from backend.loop.promotion import decide
from backend.types import Quality


def metrics(score: float | None) -> Quality:
    return Quality("F1", 5, score)


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
def test_decide(candidate: Quality, serving: Quality | None, promote: bool) -> None:
    decision = decide(candidate, serving)
    assert decision.promote is promote
    assert decision.reason
