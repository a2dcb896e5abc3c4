import pytest

from tests.loop.house import EyeForColour, glance, teach


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Stands in for the networks, which tests/learning and tests/end_to_end train: here it is the loop that counts."""
    from backend.learning import methods
    from backend.learning.network import features

    monkeypatch.setattr(methods, "train", teach)
    monkeypatch.setattr(methods, "load", lambda weights, device="auto": EyeForColour(weights))
    monkeypatch.setattr(methods, "ensemble", lambda weights, previous: weights)
    monkeypatch.setattr(methods, "for_other_group", lambda weights: weights)
    monkeypatch.setattr(features, "vectors", lambda frames, backbone: [glance(frame) for frame in frames])
