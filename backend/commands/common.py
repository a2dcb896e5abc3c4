"""What the commands share: the console, the options that several have, and the rooms they work with."""

import re
import shlex
import shutil
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.cells import cell_len
from rich.console import Console
from rich.markup import escape

from backend.settings import NAME, Settings, load_settings, unheard_variables

if TYPE_CHECKING:
    from backend.loop.services import Services
    from backend.studio.connection import Check

console = Console()

ProjectOption = Annotated[int, typer.Option("--project", help="Label Studio's project number.")]
GroupOption = Annotated[str | None, typer.Option("--group", help="Name of one group; all groups where left out.")]
UrlOption = Annotated[
    str | None, typer.Option(help="Label Studio as this machine reaches it [else LABEL_STUDIO_URL, else as connected].")
]
KeyOption = Annotated[
    str | None, typer.Option(help="Legacy or personal access token [else LABEL_STUDIO_API_KEY, else as connected].")
]
BackendOption = Annotated[
    str, typer.Option(help="This backend as Label Studio reaches it; inside Docker not `localhost`.")
]
YesOption = Annotated[bool, typer.Option("--yes", help="Do not ask.")]


def settings(tell: bool = True, serving: bool = False, **changes: object) -> Settings:
    """Settings of the environment, with what the command line changes; `tell` what a person should know of them, who is
    `serving` also what only a server would hear."""
    from backend.process import configure_logging

    found = load_settings(**{name: value for name, value in changes.items() if value is not None})
    configure_logging(found)
    if tell:
        aside = Console(stderr=True)
        for line in unheard_variables(serving):
            aside.print(as_typed(line), style="yellow", highlight=False, markup=False, soft_wrap=True)
        if found.uses_old_folder:
            say = f"Data folder: {found.folder}, which an older release made here. MICRO_MODELS_DATA_DIR names another."
            aside.print(say, style="dim", highlight=False, markup=False, soft_wrap=True)
    return found


def services(url: str | None = None, api_key: str | None = None) -> "Services":
    """The rooms of this process; address and key as a person gave them go before all others."""
    from backend.loop.services import Access
    from backend.process import open_services

    return open_services(settings(), given=Access(url or "", api_key or ""))


def say(text: str) -> None:
    """Print a sentence as it stands, with commands in it as they can be typed here."""
    console.print(as_typed(text), highlight=False, markup=False, soft_wrap=True)


def print_checks(checks: "Iterable[Check]") -> int:
    """Print them; returns how many failed."""
    failed = 0
    for check in checks:
        failed += not check.ok
        mark = "[red]no[/]" if not check.ok else "[yellow]??[/]" if check.fix else "[green]ok[/]"
        fix = f" -> {escape(as_typed(check.fix))}" if check.fix else ""
        console.print(f"{mark}  {check.name}: {escape(check.message)}{fix}", highlight=False, soft_wrap=True)
    return failed


def program() -> str:
    """How this program is called here: what a person typed, so that a hint works as it stands."""
    called = Path(sys.argv[0] or NAME)
    if called.name == "__main__.py":
        return f"{shlex.quote(sys.executable)} -m backend"
    found = shutil.which(NAME)
    if called.name != NAME or (found is not None and Path(found).resolve() == called.resolve()):
        return NAME
    return shlex.quote(str(called))


def as_typed(text: str) -> str:
    """A text whose commands in backticks, also those with variables before them, call the program as it is called here."""
    return re.sub(rf"(?<=`)((?:[A-Z_]+=\S+ )*){NAME}\b", lambda found: found[1] + program(), text)


def aligned(rows: Sequence[Sequence[str]]) -> list[str]:
    """Rows as lines whose columns stand below each other, the last one of any length."""
    widths = [max(cell_len(row[n]) for row in rows) for n in range(len(rows[0]) - 1)]
    filled = ([cell + " " * (w - cell_len(cell)) for cell, w in zip(row, widths, strict=False)] for row in rows)
    return ["  ".join([*cells, row[-1]]).rstrip() for cells, row in zip(filled, rows, strict=True)]
