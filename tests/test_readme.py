"""The READMEs name what there is, and nothing that is not there: settings, commands, tags, rooms, figures, links."""

import re
from pathlib import Path

import pytest
from pydantic import SecretStr

from backend.__main__ import app
from backend.settings import Settings
from backend.studio.labeling_config import parse
from backend.studio.tags import TAGS
from backend.variables import names_of

ROOT = Path(__file__).parent.parent
READMES = [
    ROOT / "README.md",
    *(p for room in ("backend", "docker", "model_registry", "tests") for p in (ROOT / room).rglob("README.md")),
]
FRONT = (ROOT / "README.md").read_text()
BACKEND = (ROOT / "backend" / "README.md").read_text()
FIGURES = (ROOT / "tests" / "benchmarks" / "README.md").read_text()
ROWS = dict(re.findall(r"^\| `([A-Z_]+)` \| (.*?) \|", BACKEND.split("## Settings")[1].split("\n## ")[0], re.MULTILINE))
LINK = re.compile(r"\]\(([^)\s]+)\)")
LONGEST = 150
"""Lines of the front page that are not folded: it is for people who label, the folders' READMEs hold the rest."""
PICTURE_BYTES = 200_000


def name(path: Path) -> str:
    return str(path.relative_to(ROOT))


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


@pytest.mark.parametrize("path", READMES, ids=name)
def test_settings_that_are_mentioned_exist(path: Path) -> None:
    of_tests = {"MICRO_MODELS_TEST_POSTGRES", "MICRO_MODELS_TEST_REDIS"}
    assert set(re.findall(r"MICRO_MODELS_[A-Z_]+", path.read_text())) - of_tests <= set(ROWS)


def test_every_command_is_named() -> None:
    commands = {c.name or (c.callback.__name__ if c.callback else "") for c in app.registered_commands}
    table = BACKEND.split("## Commands")[1].split("## Settings")[0]
    named = set(re.findall(r"`([a-z-]+)`", table))
    assert commands <= named


@pytest.mark.parametrize("path", READMES, ids=name)
def test_links_lead_somewhere(path: Path) -> None:
    for link in LINK.findall(path.read_text()):
        file, _, anchor = link.partition("#")
        if "://" in link:
            continue
        target = (path.parent / file).resolve() if file else path
        assert target.exists(), f"{name(path)}: there is no {link}"
        if anchor:
            assert anchor in anchors(target.read_text()), f"{name(path)}: there is no heading for {link}"


def anchors(text: str) -> set[str]:
    """Of the headings, as GitHub makes them."""
    headings = re.findall(r"^#+ (.+)$", re.sub(r"```.*?```", "", text, flags=re.DOTALL), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("path", READMES[1:], ids=name)
def test_the_front_page_leads_to_every_other(path: Path) -> None:
    assert f"({name(path)})" in FRONT


def test_the_front_page_stays_short() -> None:
    unfolded = re.sub(r"<details>.*?</details>", "", FRONT, flags=re.DOTALL)
    assert len(unfolded.splitlines()) <= LONGEST


def test_pictures_stay_small() -> None:
    shown = re.findall(r"!\[.*?\]\((.+?)\)", FRONT)
    assert shown
    assert all((ROOT / picture).stat().st_size < PICTURE_BYTES for picture in shown)


def test_figures_of_the_front_page_are_among_the_dated_ones() -> None:
    table = FRONT.split("| after five labelled frames |")[1].split("\n\n")[0]
    figures = re.findall(r"\b\d+\.\d+\b", table)
    assert len(figures) >= 6
    assert not [figure for figure in figures if figure not in FIGURES]


@pytest.mark.parametrize("config", re.findall(r"```xml\n(.*?)```", FRONT, re.DOTALL))
def test_labeling_configs_can_be_pasted_and_are_learnt(config: str) -> None:
    assert parse(config).require()


def test_every_tag_that_is_learnt_is_in_the_table() -> None:
    table = FRONT.split("| you label |")[1].split("\n\n")[0]
    learnt = {tag.names[0] for tag in TAGS}
    assert learnt == set(re.findall(r"`(\w+Labels|VideoRectangle|Choices)\b", table))


@pytest.mark.parametrize(
    ("room", "text"), [("loop", BACKEND), ("learning", (ROOT / "backend/learning/README.md").read_text())]
)
def test_every_room_is_on_the_map(room: str, text: str) -> None:
    rooms = [path.parent.name for path in (ROOT / "backend" / room).glob("*/__init__.py")]
    prefix = "loop/" if room == "loop" else ""
    assert rooms
    assert not [inner for inner in rooms if f"`{prefix}{inner}/`" not in text]
