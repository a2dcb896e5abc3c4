"""The command line: `micro-models`, or `python -m backend`."""

import sys
from pathlib import Path
from typing import Annotated, Any, Literal, NoReturn

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from backend.commands import upkeep
from backend.commands.common import GroupOption, ProjectOption, console
from backend.commands.common import services as _services
from backend.commands.common import settings as _settings
from backend.commands.connect import check, connect, disconnect, forget
from backend.commands.export import export
from backend.commands.import_ import import_
from backend.commands.suggest import suggest
from backend.errors import MicroModelsError
from backend.settings import Settings

app = typer.Typer(
    help="Micro-models for Label Studio: label five frames of a video, a tiny model labels the rest.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
OneGroupOption = Annotated[str, typer.Option("--group", help="Name of the group.")]
ControlOption = Annotated[
    str | None, typer.Option("--control", help="Name of one control tag; all of the group where left out.")
]
Order = Literal["score", "random"]


@app.command()
def serve(
    port: Annotated[int | None, typer.Option(help="Port to listen on [PORT, 9090].")] = None,
    worker: Annotated[bool, typer.Option(help="Run a worker beside the server.")] = True,
) -> None:
    """Run the server, with a worker beside it."""
    from backend.process import serve as run

    settings = _settings(port=port)
    run(settings, embedded_worker=worker, listening=lambda: _say_password(settings))


@app.command()
def worker(
    parent: Annotated[int | None, typer.Option(hidden=True, help="Stop when this process is gone.")] = None,
) -> None:
    """Run a worker alone: it trains and publishes what the registry says is left to do."""
    from backend.process import run_worker

    run_worker(_settings(tell=parent is None), parent)


app.command()(connect)
app.command()(check)
app.command()(disconnect)
app.command()(forget)


@app.command()
def status(project: Annotated[int | None, typer.Option(help="One project; all where left out.")] = None) -> None:
    """Show groups, labels, versions, jobs and progress."""
    from backend.loop.data.known import known
    from backend.loop.pages.status import project_status
    from backend.loop.worker.alive import worker_problem

    services = _services()
    there = services.registry.projects.all()
    numbers = [p.id for p in there] if project is None else [known(services, project).id]
    if (problem := worker_problem(services)) is not None:
        console.print(f"[bold red]{escape(problem)}[/]", highlight=False, soft_wrap=True)
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


app.command()(suggest)
app.command("import")(import_)
app.command()(export)


@app.command()
def demo(
    wait: Annotated[bool, typer.Option(help="Keep Label Studio and the backend running until Ctrl-C.")] = True,
    data: Annotated[
        Path | None, typer.Option(exists=True, help="Labelled frames of your own: COCO, YOLO, PNG masks...")
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
        list[Path], typer.Argument(exists=True, help="Labelled frames: COCO, YOLO, PNG masks..., or a labels.json.")
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


def _say_password(settings: Settings) -> None:
    """A password that nobody chose must be told, wherever the log goes."""
    if settings.basic_auth and not settings.basic_auth_user:
        user, password = settings.basic_auth
        said = f"User {user}, password {password} (kept in {settings.password_file})."
        Console(stderr=True).print(said, highlight=False, markup=False, soft_wrap=True)


def _status_table(status: dict[str, Any]) -> Table:
    table = Table(title=f"Project {status['project']}", caption=_caption(status), title_justify="left")
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


def _caption(status: dict[str, Any]) -> str:
    space = f"weights take {status.get('weights_bytes', 0) / 1e6:,.1f} MB"
    return f"{status['problem']}; {space}" if status["problem"] else space


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
        _give_up(str(error))
    except BrokenPipeError:  # `micro-models status | head`: whoever read us has seen enough
        sys.stdout = None
        sys.exit(1)
    except OSError as error:  # a disk that is full, a file that may not be written
        where = f" {error.filename}:" if error.filename else ""
        _give_up(f"The system refused:{where} {error.strerror or error}. Mend that, then run the command again.")


def _give_up(why: str) -> NoReturn:
    Console(stderr=True).print(f"[bold red]Error:[/] {escape(why)}", highlight=False, soft_wrap=True)
    sys.exit(1)


upkeep.add_to(app)

if __name__ == "__main__":
    main()
