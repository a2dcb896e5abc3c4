"""The command line: `micro-models`, or `python -m backend`."""

import sys
import threading
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

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
OneGroupOption = Annotated[str, typer.Option("--group", help="Name of the group.")]
ControlOption = Annotated[
    str | None, typer.Option("--control", help="Name of one control tag; all of the group where left out.")
]
UrlOption = Annotated[str | None, typer.Option(help="Label Studio as this machine reaches it [LABEL_STUDIO_URL].")]
KeyOption = Annotated[str | None, typer.Option(help="Legacy or personal access token [LABEL_STUDIO_API_KEY].")]
Order = Literal["score", "random"]
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
    project: Annotated[int | None, typer.Option("--project", help="Label Studio's project number.")] = None,
    every: Annotated[
        bool, typer.Option("--all", help="Every project with a control tag that we can do, also later ones; goes on.")
    ] = False,
    url: UrlOption = None,
    api_key: KeyOption = None,
    backend_url: BackendOption = "http://localhost:9090",
    group_by: Annotated[str | None, typer.Option(help="Data field that names the group of a task.")] = None,
    title: Annotated[str | None, typer.Option(help="Name of the model in Label Studio.")] = None,
) -> None:
    """Connect a project: backend, webhook with a secret, what Label Studio needs set; then check both directions."""
    from backend.loop.connect import connect_project

    if every == (project is not None):
        raise typer.BadParameter("Name one project with --project, or all of them with --all.")
    if project is None:
        _connect_all(_services(url, api_key), backend_url)
        return
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
    from backend.loop.versions import train_now

    names = train_now(_services(), project, group)
    console.print(f"Asked for {len(names)} trainings; `micro-models status --project {project}` shows them.")


@app.command()
def refresh(project: ProjectOption, group: OneGroupOption) -> None:
    """Fetch a group's pictures anew and train it: files were replaced under their addresses."""
    from backend.loop.refresh import refresh as fetch_again

    count = fetch_again(_services(), project, group)
    console.print(f"{count} tasks are fetched anew; `micro-models status --project {project}` shows the training.")


@app.command()
def rollback(project: ProjectOption, group: OneGroupOption, control: ControlOption = None) -> None:
    """Let the version before the serving one serve again, pinned; the group's predictions are renewed."""
    from backend.loop.versions import rollback as go_back

    for version in go_back(_services(), project, group, control):
        console.print(f"{version.control}: v{version.number} serves again, until `micro-models unpin`.")


@app.command()
def pin(
    project: ProjectOption,
    group: OneGroupOption,
    control: ControlOption = None,
    version: Annotated[int | None, typer.Option(help="Number of a version; the serving one where left out.")] = None,
) -> None:
    """Keep a version serving, whatever trainings end, until `unpin`."""
    from backend.loop.versions import pin as hold

    for held in hold(_services(), project, group, control, version):
        console.print(f"{held.control}: v{held.number} serves until `micro-models unpin`.")


@app.command()
def unpin(project: ProjectOption, group: OneGroupOption, control: ControlOption = None) -> None:
    """Let newer versions serve again, and train one."""
    from backend.loop.versions import unpin as lift

    lifted = lift(_services(), project, group, control)
    console.print(
        f"No longer pinned: {', '.join(lifted)}; a training is asked for." if lifted else "Nothing is pinned."
    )


@app.command()
def suggest(
    project: ProjectOption,
    group: GroupOption = None,
    limit: Annotated[int, typer.Option(min=1, help="How many frames.")] = 20,
    tab: Annotated[bool, typer.Option("--tab", help="Put them into a Data Manager tab 'Label next'.")] = False,
    url: UrlOption = None,
    api_key: KeyOption = None,
) -> None:
    """Show the frames that are worth a look next, with links into Label Studio."""
    from backend.loop.suggest import look_ahead, show_tab, suggestions

    services = _services(url, api_key)
    with console.status("Looking at frames"):
        look_ahead(services, project, group)
    found = suggestions(services, project, limit, group)
    if not found:
        console.print(f"Nothing left to label in project {project}" + (f", group {group!r}." if group else "."))
        return
    table = Table("task", "group", "score", "why", "link", title=f"Label next in project {project}")
    for one in found:
        score = "-" if one.score is None else f"{one.score:.2f}"
        table.add_row(str(one.task), escape(one.group), score, one.reason, one.url)
    console.print(table)
    if tab:
        console.print(f"In Label Studio: {show_tab(services, project, found)}", soft_wrap=True)


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
    head: Annotated[
        str, typer.Option(help="What to predict: detection, segmentation, pose, classification or video.")
    ] = "detection",
    effort: Annotated[
        float, typer.Option(min=0.01, max=1.0, help="Share of the training steps: less is quicker and less sure.")
    ] = 1.0,
) -> None:
    """Show it all on a film clip, in a real Label Studio."""
    from backend.demo.demo import run

    sys.exit(run(wait=wait, data=data, head=head, effort=effort))


@app.command()
def bench(
    folders: Annotated[
        list[Path], typer.Argument(exists=True, file_okay=False, help="Folders with frames/ and labels.json.")
    ],
    labels: Annotated[int, typer.Option(min=1, help="Frames labelled first; of a classification, each class's.")] = 5,
    rounds: Annotated[int, typer.Option(min=0, help="Rounds of mending.")] = 3,
    per_round: Annotated[int, typer.Option(min=1, help="Frames mended in a round.")] = 10,
    seeds: Annotated[
        list[int] | None, typer.Option(min=0, help="Once for each: `--seeds 0 --seeds 1`; 0 where left out.")
    ] = None,
    order: Annotated[Order, typer.Option(help="Which frames are mended next: the least certain, or any.")] = "score",
    out: Annotated[
        Path | None, typer.Option(file_okay=False, help="Folder for figures.json and efficiency.png.")
    ] = None,
) -> None:
    """Measure how much work micro-models save on labelled frames, without Label Studio."""
    from backend.bench.run import Plan
    from backend.bench.run import bench as measure

    plan = Plan(labels, rounds, per_round, tuple(seeds or (0,)), order)
    measure(folders, plan, _settings(), out, console)


@app.command()
def explain(
    out: Annotated[Path, typer.Option(dir_okay=False, help="The picture to write.")] = Path("explain.png"),
    seed: Annotated[int, typer.Option(min=0, help="Of the random curves.")] = 0,
) -> None:
    """Draw the idea in one dimension: one model for all against an overfitted one for each group."""
    from backend.story.explain import explain as show

    show(out, seed, console)


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
            (group["version"] or "-") + (f"\n[dim]from {group['start']}[/]" if group["start"] else ""),
            _honest(group),
            escape(group["reason"] or group["advice"]) + _proposed(group),
        )
        table.add_row(*cells)
    return table


def _honest(group: dict[str, Any]) -> str:
    """The group's score, and how one model for the whole project does in it."""
    own, whole = group["score"], group["project_score"]
    learnt = "" if group["project_score_honest"] else ", learnt"
    return ("-" if own is None else f"{own:.2f}") + ("" if whole is None else f"\n[dim]project {whole:.2f}{learnt}[/]")


def _proposed(group: dict[str, Any]) -> str:
    return f"\n[dim]proposed by {escape(group['proposed_by'])}[/]" if group["proposed_by"] else ""


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


def _connect_all(services: "Services", backend_url: str) -> None:
    from backend.loop.connect_all import connect_for_ever
    from backend.process import stop_on_sigterm

    def report(project: int, checks: "Iterable[Check]") -> None:
        console.print(f"Project {project}:")
        _print(checks)

    stop_on_sigterm()
    console.print("Connecting every project that asks for something we can do, until Ctrl-C.")
    with suppress(KeyboardInterrupt):
        connect_for_ever(services, backend_url, report, threading.Event().wait)


def _report(checks: "Iterable[Check]") -> None:
    if _print(checks):
        raise typer.Exit(1)


def _print(checks: "Iterable[Check]") -> int:
    """Print them; returns how many failed."""
    failed = 0
    for check in checks:
        failed += not check.ok
        mark, fix = ("[green]ok[/]", "") if check.ok else ("[red]no[/]", f" -> {check.fix}")
        console.print(f"{mark}  {check.name}: {check.message}{fix}", highlight=False, soft_wrap=True)
    return failed


if __name__ == "__main__":
    main()
