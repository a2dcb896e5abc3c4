"""In here micro-models are made up, unless a test trains one."""

import pytest

from backend.objects import micro_model
from tests.objects.made import MadeUp


@pytest.fixture(autouse=True)
def made_up(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    if "slow" not in request.keywords:
        monkeypatch.setattr(micro_model, "load", MadeUp)
