"""`connect`, `check`, `disconnect`, `forget`: a project and this backend."""

import threading
from collections.abc import Iterable
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING, Annotated

import typer

from backend.commands import common
from backend.commands.common import BackendOption, KeyOption, ProjectOption, UrlOption, YesOption, print_checks
from backend.commands.progress import bar
from backend.errors import StudioUnreachable

if TYPE_CHECKING:
    from backend.loop.services import Services
    from backend.studio.connection import Check


def connect(
    project: Annotated[int | None, typer.Option("--project", help="Label Studio's project number.")] = None,
    every: Annotated[
        bool, typer.Option("--all", help="Every project with a control tag that we can do, also later ones; goes on.")
    ] = False,
    url: UrlOption = None,
    api_key: KeyOption = None,
    backend_url: BackendOption = "http://localhost:9090",
    group_by: Annotated[str | None, typer.Option(help="Data field that names the group of a task.")] = None,
    title: Annotated[str | None, typer.Option(help="Name of the model in Label Studio.")] = None,
    tab: Annotated[
        bool | None, typer.Option("--tab/--no-tab", help="A Data Manager tab 'Label next', kept fresh; or none.")
    ] = None,
    uncertainty: Annotated[
        bool | None,
        typer.Option(
            "--uncertainty/--no-uncertainty",
            help='Label Studio\'s "Label All Tasks" hands out the least certain first, and scores are shown; or not.',
        ),
    ] = None,
) -> None:
    """Connect a project: backend, webhook with a secret, what Label Studio needs set; then check both directions."""
    from backend.loop.connect import connect_project

    if every == (project is not None):
        raise typer.BadParameter("Name one project with --project, or all of them with --all.")
    services = common.services(url, api_key)
    if project is None:
        _connect_all(services, backend_url)
        return
    with common.console.status("Asking Label Studio"):
        checks = connect_project(services, project, backend_url, group_by, title, tab, uncertainty)
    if print_checks(checks):
        raise typer.Exit(1)


def check(
    project: ProjectOption,
    url: UrlOption = None,
    api_key: KeyOption = None,
    backend_url: BackendOption = "http://localhost:9090",
) -> None:
    """Check both directions between Label Studio and this backend; say what is wrong and how to mend it."""
    from backend.loop.connect import check_project

    services = common.services(url, api_key)
    with common.console.status("Asking Label Studio"):
        checks = check_project(services, project, backend_url)
    if print_checks(checks):
        raise typer.Exit(1)


def disconnect(project: ProjectOption, url: UrlOption = None, api_key: KeyOption = None) -> None:
    """Take a project off this backend: model and webhook go from Label Studio, our key is forgotten, data stay."""
    from backend.loop.disconnect import disconnect_project

    for line in disconnect_project(common.services(url, api_key), project):
        common.console.print(line, highlight=False, markup=False, soft_wrap=True)


def forget(project: ProjectOption, url: UrlOption = None, api_key: KeyOption = None, yes: YesOption = False) -> None:
    """Disconnect a project and delete its data here: labels as we know them, versions, reviews. Not Label Studio's."""
    from backend.loop.data.known import known
    from backend.loop.disconnect import disconnect_project
    from backend.loop.forget import forget_project

    services = common.services(url, api_key)
    known(services, project)
    groups = len(services.registry.groups.all(project))
    if not yes:
        typer.confirm(
            f"Delete all that is known here of project {project}: {groups} groups and their models?", abort=True
        )
    try:
        lines = disconnect_project(services, project)[:-1]
    except StudioUnreachable as error:
        lines = [f"{error} The model and its webhook are still there: remove them by hand."]
    files = forget_project(services, project)
    for line in [*lines, f"Project {project} is forgotten, and {files} files of weights with it."]:
        common.console.print(line, highlight=False, markup=False, soft_wrap=True)


def _connect_all(services: "Services", backend_url: str) -> None:
    from backend.loop.connect_all import connect_for_ever
    from backend.process import stop_on_sigterm

    def report(project: int, checks: "Iterable[Check]") -> None:
        common.console.print(f"Project {project}:")
        print_checks(checks)

    stop_on_sigterm()
    common.console.print("Connecting every project that asks for something we can do, until Ctrl-C.")
    with suppress(KeyboardInterrupt), bar(common.console, "Asking Label Studio") as progress:
        connect_for_ever(services, backend_url, report, threading.Event().wait, partial(progress, "Projects looked at"))
