"""The README names every setting and every command, and nothing that is not there."""

import re
from pathlib import Path

import pytest
from pydantic import SecretStr

from backend.__main__ import app
from backend.settings import Settings
from backend.variables import names_of

README = (Path(__file__).parent.parent / "README.md").read_text()
ROWS = dict(re.findall(r"^\| `([A-Z_]+)` \| (.*?) \|", README, re.MULTILINE))


def variable(name: str) -> str:
    """The name by which the README has it: everybody's where both mean the same, else ours."""
    names = names_of(name, Settings.model_fields[name])
    return next((known for known in reversed(names) if known in ROWS), names[0])


@pytest.mark.parametrize("name", Settings.model_fields)
def test_every_setting_is_named_with_its_default(name: str) -> None:
    default = Settings.model_fields[name].default
    if isinstance(default, SecretStr):
        default = default.get_secret_value()
    if isinstance(default, bool):
        default = str(default).lower()
    told = ROWS[variable(name)].strip("`")
    assert told == ("" if default in (None, "", ()) else str(default))


def test_no_setting_is_invented() -> None:
    assert set(ROWS) == {variable(name) for name in Settings.model_fields}


def test_every_command_is_named() -> None:
    commands = {c.name or (c.callback.__name__ if c.callback else "") for c in app.registered_commands}
    table = README.split("### Commands")[1].split("### Settings")[0]
    named = set(re.findall(r"`([a-z]+)`", table))
    assert commands <= named
