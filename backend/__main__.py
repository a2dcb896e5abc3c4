"""The command line: `micro-models`, or `python -m backend`."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from pydantic import SecretStr
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from backend.errors import MicroModelsError
from backend.settings import Settings, load_settings

if TYPE_CHECKING:
    from collections.abc import Iterable

    from backend.loop.services import Services
    from backend.studio.connection import Check

app = typer.Typer(
    help="Micro-models for Label Studio: label five frames of a video, a tiny model labels the rest.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
console = Console()

ProjectOption = Annotated[int, typer.Option("--project", help="Label Studio's project number.")]
GroupOption = Annotated[str | None, typer.Option("--group", help="Name of one group; all groups where left out.")]
UrlOption = Annotated[str | None, typer.Option(help="Label Studio as this machine reaches it [LABEL_STUDIO_URL].")]
KeyOption = Annotated[str | None, typer.Option(help="Legacy or personal access token [LABEL_STUDIO_API_KEY].")]
BackendOption = Annotated[
    str, typer.Option(help="This backend as Label Studio reaches it; inside Docker not `localhost`.")
]


@app.command()
def serve(
    port: Annotated[int | None, typer.Option(help="Port to listen on [PORT, 9090].")] = None,
    worker: Annotated[bool, typer.Option(help="Run a worker beside the server.")] = True,
) -> None:
    """Run the server, with a worker beside it."""
    from backend.process import serve as run

    run(_settings(port=port), embedded_worker=worker)


@app.command()
def worker(
    parent: Annotated[int | None, typer.Option(hidden=True, help="Stop when this process is gone.")] = None,
) -> None:
    """Run a worker alone: it trains and publishes what the registry says is left to do."""
    from backend.process import run_worker

    run_worker(_settings(), parent)


@app.command()
def connect(
    project: ProjectOption,
    url: UrlOption = None,
    api_key: KeyOption = None,
    backend_url: BackendOption = "http://localhost:9090",
    group_by: Annotated[str | None, typer.Option(help="Data field that names the group of a task.")] = None,
    title: Annotated[str | None, typer.Option(help="Name of the model in Label Studio.")] = None,
) -> None:
    """Connect a project: backend, webhook with a secret, what Label Studio needs set; then check both directions."""
    from backend.loop.connect import connect_project

    _report(connect_project(_services(url, api_key), project, backend_url, group_by, title))


@app.command()
def check(
    project: ProjectOption,
    url: UrlOption = None,
    api_key: KeyOption = None,
    backend_url: BackendOption = "http://localhost:9090",
) -> None:
    """Check both directions between Label Studio and this backend; say what is wrong and how to mend it."""
    from backend.loop.connect import check_project

    _report(check_project(_services(url, api_key), project, backend_url))


@app.command()
def status(project: Annotated[int | None, typer.Option(help="One project; all where left out.")] = None) -> None:
    """Show groups, labels, versions, jobs and progress."""
    from backend.loop.status import project_status

    services = _services()
    numbers = [project] if project is not None else [p.id for p in services.registry.projects.all()]
    if not numbers:
        console.print("No project is connected yet: run `micro-models connect --project N`.")
    for number in numbers:
        console.print(_status_table(project_status(services, number)))


@app.command()
def train(project: ProjectOption, group: GroupOption = None) -> None:
    """Train a project's groups now, or one of them, whether its labels changed or not."""
    services = _services()
    names = [group] if group else [g.name for g in services.registry.groups.all(project) if g.labelled]
    for name in names:
        services.registry.groups.force(project, name)
        services.queue.look_at(project, name)
    console.print(f"Asked for {len(names)} trainings; `micro-models status --project {project}` shows them.")


@app.command()
def rollback(project: ProjectOption, group: Annotated[str, typer.Option(help="Name of the group.")]) -> None:
    """Let the version before the serving one serve again, and renew the group's predictions."""
    services = _services()
    for version in services.registry.versions.rollback(project, group):
        console.print(f"{version.control}: v{version.number} serves again.")
    services.queue.look_at(project, group)


@app.command("import")
def import_(
    video: Annotated[Path, typer.Argument(exists=True, dir_okay=False, help="A video file.")],
    project: ProjectOption,
    url: UrlOption = None,
    api_key: KeyOption = None,
    every: Annotated[int, typer.Option(min=1, help="Take one frame in so many.")] = 1,
    name: Annotated[str | None, typer.Option(help="Name of the group; the file's name where left out.")] = None,
) -> None:
    """Cut a video file into frames and import them as one group of tasks."""
    from backend.loop.import_video import import_video

    with console.status(f"Cutting and uploading {video.name}"):
        count = import_video(_services(url, api_key), project, video, name or video.name, every)
    console.print(f"{count} tasks imported as group '{name or video.name}'.")


@app.command()
def demo(
    wait: Annotated[bool, typer.Option(help="Keep Label Studio and the backend running until Ctrl-C.")] = True,
    data: Annotated[
        Path | None, typer.Option(exists=True, file_okay=False, help="Folder with frames/ and labels.json.")
    ] = None,
) -> None:
    """Show it all on a film clip, in a real Label Studio."""
    from backend.demo.demo import run

    sys.exit(run(wait=wait, data=data))


def _status_table(status: dict[str, Any]) -> Table:
    table = Table(title=f"Project {status['project']}", caption=status["problem"], title_justify="left")
    for heading in ("group", "state", "labels", "learnt", "version", "honest", "remark"):
        table.add_column(heading, overflow="fold")
    for group in status["groups"]:
        done = f" {group['progress']:.0%}" if group["progress"] is not None else ""
        left = f", {group['seconds_left']:.0f} s left" if group["seconds_left"] is not None else ""
        cells = (
            f"{escape(group['group'])}\n[dim]by {escape(group['rule'])}[/]",
            group["state"] + done + left,
            f"{group['labelled']} of {group['tasks']}",
            str(group["trained_labels"]),
            group["version"] or "-",
            "-" if group["score"] is None else f"{group['score']:.2f}",
            escape(group["reason"] or ""),
        )
        table.add_row(*cells)
    return table


def main() -> None:
    """Entry point: expected errors are one line, not a traceback."""
    try:
        app()
    except MicroModelsError as error:
        Console(stderr=True).print(f"[bold red]Error:[/] {escape(str(error))}", highlight=False, soft_wrap=True)
        sys.exit(1)


def _settings(**changes: object) -> Settings:
    from backend.process import configure_logging

    settings = load_settings()
    settings = settings.model_copy(update={k: v for k, v in changes.items() if v is not None})
    configure_logging(settings)
    return settings


def _services(url: str | None = None, api_key: str | None = None) -> "Services":
    from backend.process import open_services

    return open_services(_settings(label_studio_url=url, label_studio_api_key=SecretStr(api_key) if api_key else None))


def _report(checks: "Iterable[Check]") -> None:
    failed = 0
    for check in checks:
        failed += not check.ok
        mark, fix = ("[green]ok[/]", "") if check.ok else ("[red]no[/]", f" -> {check.fix}")
        console.print(f"{mark}  {check.name}: {check.message}{fix}", highlight=False, soft_wrap=True)
    if failed:
        raise typer.Exit(1)


if __name__ == "__main__":
    main()
