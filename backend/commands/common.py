"""What the commands share: the console, the options that several have, and the rooms they work with."""

from collections.abc import Iterable
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.markup import escape

from backend.settings import Settings, load_settings

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


def settings(tell: bool = True, **changes: object) -> Settings:
    """Settings of the environment, with what the command line changes; `tell` where the data folder is an old one."""
    from backend.process import configure_logging

    found = load_settings(**{name: value for name, value in changes.items() if value is not None})
    configure_logging(found)
    if tell and found.uses_old_folder:
        say = f"Data folder: {found.folder}, which an older release made here. MICRO_MODELS_DATA_DIR names another."
        Console(stderr=True).print(say, style="dim", highlight=False, soft_wrap=True)
    return found


def services(url: str | None = None, api_key: str | None = None) -> "Services":
    """The rooms of this process; address and key as a person gave them go before all others."""
    from backend.loop.services import Access
    from backend.process import open_services

    return open_services(settings(), given=Access(url or "", api_key or ""))


def print_checks(checks: "Iterable[Check]") -> int:
    """Print them; returns how many failed."""
    failed = 0
    for check in checks:
        failed += not check.ok
        mark = "[red]no[/]" if not check.ok else "[yellow]??[/]" if check.fix else "[green]ok[/]"
        fix = f" -> {escape(check.fix)}" if check.fix else ""
        console.print(f"{mark}  {check.name}: {escape(check.message)}{fix}", highlight=False, soft_wrap=True)
    return failed
