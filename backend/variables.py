"""Environment variables: which one a setting is read from, and those that look like settings and are none. Pure."""

from collections.abc import Collection, Mapping
from difflib import get_close_matches
from typing import Any

from pydantic import AliasChoices
from pydantic.fields import FieldInfo

PREFIX = "MICRO_MODELS_"
NOT_HERE = {
    "WORKERS": "one server process is enough here; more trainings at a time: start `micro-models worker` once for each",
    "THREADS": "the server has as many as it needs; those of a training are MICRO_MODELS_THREADS",
}
"""What label-studio-ml's images read and this backend does not, and what holds here."""


def names_of(field: str, info: FieldInfo | None) -> list[str]:
    """The variables that a setting is read from, ours first."""
    alias = info.validation_alias if info else None
    return [str(name) for name in alias.choices] if isinstance(alias, AliasChoices) else [PREFIX + field.upper()]


def wrong(
    where: tuple[int | str, ...],
    found: Any,
    why: str,
    fields: Mapping[str, FieldInfo],
    chosen: Collection[str],
    environment: Mapping[str, str],
) -> str:
    """One thing that is wrong with the settings, under the name by which it was given: an option if it is among those
    `chosen` on the command line, else the variable that is set."""
    if not where:
        return why.removeprefix("Value error, ")
    first = str(where[0])
    field = next((name for name, info in fields.items() if first in (name, *names_of(name, info))), first)
    if field in chosen:
        return f"--{field.replace('_', '-')}={found}: {why}"
    names = names_of(field, fields.get(field))
    return f"{next((name for name in names if environment.get(name)), names[0])}={found!r}: {why}"


def misspelt(environment: Mapping[str, str], known: Collection[str]) -> list[str]:
    """What to say of variables with our prefix that no setting has, one line each; `known` are the settings' names."""
    lines, words = [], {name.removeprefix(PREFIX): name for name in known}
    for name in sorted(name for name in environment if name.startswith(PREFIX) and name not in known):
        near = get_close_matches(name.removeprefix(PREFIX), words, 1, 0.8)
        hint = f": is it {words[near[0]]}?" if near else "."
        lines.append(f"{name} is set, and no setting has that name{hint}")
    return lines


def foreign(environment: Mapping[str, str]) -> list[str]:
    """What to say of variables that a backend made with label-studio-ml would hear, one line each."""
    there = [(name, environment[name][:20], why) for name, why in NOT_HERE.items() if environment.get(name)]
    return [f"{name}={found} changes nothing: {why}." for name, found, why in there]
