"""Variables that look like settings and are none."""

import pytest

from backend.settings import Settings
from backend.variables import foreign, misspelt, names_of

KNOWN = [name for field, info in Settings.model_fields.items() for name in names_of(field, info)]


@pytest.mark.parametrize("environment", [{}, {"PATH": "/bin", "PORT": "1"}, dict.fromkeys(KNOWN, "x")])
def test_nothing_is_said_of_settings_and_of_what_is_not_ours(environment: dict[str, str]) -> None:
    assert misspelt(environment, KNOWN) == []
    assert foreign(environment) == []


def test_a_misspelt_setting_is_told_with_the_one_that_was_meant() -> None:
    told = misspelt({"MICRO_MODELS_SWEEP_SECOND": "1", "MICRO_MODELS_COLOUR": "red"}, KNOWN)
    assert told == [
        "MICRO_MODELS_COLOUR is set, and no setting has that name.",
        "MICRO_MODELS_SWEEP_SECOND is set, and no setting has that name: is it MICRO_MODELS_SWEEP_SECONDS?",
    ]


def test_what_another_backend_would_hear_is_refused_in_words() -> None:
    told = foreign({"WORKERS": "4", "THREADS": "8"})
    assert [line.partition(":")[0] for line in told] == ["WORKERS=4 changes nothing", "THREADS=8 changes nothing"]
    assert foreign({"WORKERS": ""}) == []
