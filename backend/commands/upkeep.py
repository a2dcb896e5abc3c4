"""Commands that look after what is kept: doctor, backup, restore."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.markup import escape
from rich.table import Table

from backend.commands.common import console
from backend.errors import RegistryError
from backend.settings import load_settings

if TYPE_CHECKING:
    from backend.loop.doctor import Finding
    from model_registry import Kept


def add_to(app: typer.Typer) -> None:
    """Adds the commands."""
    for command in (doctor, backup, restore):
        app.command()(command)


def doctor(
    fix: Annotated[bool, typer.Option("--fix", help="Mend what can be mended, after asking.")] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
) -> None:
    """Look through registry, weights, queue and media cache for damage; exit code 1 where something is wrong."""
    findings = _examined()
    if not findings:
        console.print("[green]Nothing is wrong.[/]")
        return
    table = Table("where", "what is wrong", "what to do", title=f"{len(findings)} findings", title_justify="left")
    for one in findings:
        table.add_row(*(escape(cell) for cell in (one.where, one.what, one.remedy)))
    console.print(table)
    mendable = [one for one in findings if one.mend]
    if mendable and not fix:
        console.print(f"{len(mendable)} can be mended: `micro-models doctor --fix`.")
    left = len(findings) - len(mendable)
    if fix and mendable and (yes or typer.confirm(f"Mend {len(mendable)} of {len(findings)}?")):
        left += sum(not _mended(one) for one in mendable)
    elif mendable:
        left = len(findings)
    if left:
        raise typer.Exit(1)


def backup(folder: Annotated[Path, typer.Argument(help="A new folder.", show_default=False)]) -> None:
    """Copy the registry and its weights into a new folder, while everything goes on running."""
    from backend.loop.events.draining import settle
    from backend.process import open_services

    services = open_services(load_settings())
    with services.registry as registry, console.status("Copying") as status:
        settle(services)  # events that were accepted belong to it
        kept = registry.backup(folder.expanduser().absolute(), lambda what: status.update(f"Copying {escape(what)}"))
    console.print(f"{folder}: {_told(kept)}. It holds API keys: keep it as you keep these.")
    if kept.damaged:
        many = f"{len(kept.damaged)} weights are damaged or missing and are not in it"
        console.print(f"[yellow]{many}: run `micro-models doctor`.[/]")


def restore(
    folder: Annotated[
        Path, typer.Argument(exists=True, file_okay=False, help="What `backup` made.", show_default=False)
    ],
    force: Annotated[bool, typer.Option("--force", help="Delete what the registry holds.")] = False,
) -> None:
    """Put a backup into an empty registry. Stop servers and workers first."""
    from model_registry import restore_registry

    settings = load_settings()
    with console.status("Verifying") as status:
        kept = restore_registry(
            settings.database, settings.artifacts, folder, force, lambda what: status.update(escape(what))
        )
    console.print(f"Restored {_told(kept)}. Start the server; it compares every project with Label Studio.")


def _examined() -> "list[Finding]":
    from sqlalchemy.exc import DatabaseError

    from backend.loop.doctor import Finding, examine
    from model_registry import open_registry

    settings, found = load_settings(), list[Finding]()
    try:
        with console.status("Looking") as status:
            registry = open_registry(settings.database, settings.artifacts)
            for one in examine(settings, registry, lambda what: status.update(f"Looking at {escape(what)}")):
                console.print(f"[red]found[/] {escape(one.where)}", highlight=False)
                found.append(one)
    except (DatabaseError, RegistryError) as error:
        why = str(error.orig) if isinstance(error, DatabaseError) else str(error)
        found.append(Finding("registry", why, "restore a backup (`micro-models restore`)"))
    return found


def _mended(finding: "Finding") -> bool:
    try:
        if finding.mend:
            finding.mend()
    except Exception as error:  # one that cannot be mended must not keep the others from it
        console.print(f"[red]not mended[/] {escape(finding.where)}: {escape(str(error))}", highlight=False)
        return False
    console.print(f"[green]mended[/] {escape(finding.where)}", highlight=False)
    return True


def _told(kept: "Kept") -> str:
    return f"{kept.rows} rows and the weights of {kept.artifacts} versions ({kept.nbytes / 1e6:.1f} MB)"
