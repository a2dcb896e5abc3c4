import pytest

from tests.loop.house import EyeForColour, teach


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Stands in for the networks, which tests/learning and tests/end_to_end train: here it is the loop that counts."""
    from backend.learning import micro_model, training

    monkeypatch.setattr(training, "train", teach)
    monkeypatch.setattr(micro_model, "load", lambda weights, device="auto": EyeForColour(weights))
