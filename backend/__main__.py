"""The command line: `micro-models`, or `python -m backend`."""

import shlex
import sys
from pathlib import Path
from typing import Annotated, Literal, NoReturn

import typer
from rich.console import Console
from rich.markup import escape

from backend.commands import upkeep
from backend.commands.common import GroupOption, ProjectOption, as_typed, console, say
from backend.commands.common import services as _services
from backend.commands.common import settings as _settings
from backend.commands.connect import check, connect, disconnect, forget
from backend.commands.cuts import cuts
from backend.commands.export import export
from backend.commands.export_model import export_model
from backend.commands.greeting import version as installed_version
from backend.commands.import_ import import_
from backend.commands.import_model import import_model
from backend.commands.progress import bar
from backend.commands.serve import serve, worker
from backend.commands.status import status
from backend.commands.suggest import suggest
from backend.errors import MicroModelsError
from backend.settings import NAME


def _say_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"{NAME} {installed_version()}")
        raise typer.Exit


app = typer.Typer(
    no_args_is_help=True,
    context_settings={"help_option_names": ["-h", "--help"]},
    pretty_exceptions_enable=False,
)
OneGroupOption = Annotated[str, typer.Option("--group", help="Name of the group.")]
ControlOption = Annotated[
    str | None, typer.Option("--control", help="Name of one control tag; all of the group where left out.")
]
PortOption = Annotated[int, typer.Option(min=1, max=65535)]
Order = Literal["score", "random"]


@app.callback()
def options(
    version: Annotated[
        bool, typer.Option("--version", is_eager=True, callback=_say_version, help="Say which version this is.")
    ] = False,
) -> None:
    """Micro-models for Label Studio: label five frames of a video, a tiny model labels the rest."""


app.command()(serve)
app.command()(worker)
app.command()(connect)
app.command()(check)
app.command()(disconnect)
app.command()(forget)


app.command()(status)


@app.command()
def train(project: ProjectOption, group: GroupOption = None) -> None:
    """Train a project's groups now, or one of them, whether its labels changed or not."""
    from backend.loop.versions import train_now

    names = train_now(_services(), project, group)
    many = "1 training" if len(names) == 1 else f"{len(names)} trainings"
    say(f"Asked for {many}; `micro-models status --project {project}` shows them.")


@app.command()
def refresh(project: ProjectOption, group: OneGroupOption) -> None:
    """Fetch a group's pictures anew and train it: files were replaced under their addresses."""
    from backend.loop.refresh import refresh as fetch_again

    count = fetch_again(_services(), project, group)
    say(f"{count} tasks are fetched anew; `micro-models status --project {project}` shows the training.")


@app.command()
def rollback(project: ProjectOption, group: OneGroupOption, control: ControlOption = None) -> None:
    """Let the version before the serving one serve again, pinned; the group's predictions are renewed."""
    from backend.loop.versions import rollback as go_back

    for version in go_back(_services(), project, group, control):
        say(f"{version.control}: v{version.number} serves again, until {_unpin(project, group)}.")


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
        say(f"{held.control}: v{held.number} serves until {_unpin(project, group)}.")


@app.command()
def unpin(project: ProjectOption, group: OneGroupOption, control: ControlOption = None) -> None:
    """Let newer versions serve again, and train one."""
    from backend.loop.versions import unpin as lift

    lifted = lift(_services(), project, group, control)
    say(f"No longer pinned: {', '.join(lifted)}; a training is asked for." if lifted else "Nothing is pinned.")


app.command()(suggest)
app.command("import")(import_)
app.command()(export)
app.command("export-model")(export_model)
app.command("import-model")(import_model)
app.command()(cuts)


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
    port: PortOption = 9090,
    label_studio_port: PortOption = 8080,
) -> None:
    """Show it all on a film clip, in a real Label Studio. Where a port is taken, a free one is."""
    from backend.demo.demo import run

    code = run(wait, data, head, effort=effort, label_studio_port=label_studio_port, backend_port=port)
    sys.exit(code)


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
    with bar(console, "Reading the frames") as report:
        measure(folders, plan, _settings(), out, console, report)


@app.command()
def explain(
    out: Annotated[Path, typer.Option(dir_okay=False, help="The picture to write.")] = Path("explain.png"),
    seed: Annotated[int, typer.Option(min=0, help="Of the random curves.")] = 0,
) -> None:
    """Draw the idea in one dimension: one model for all against an overfitted one for each group."""
    from backend.explain.explain import explain as show

    show(out, seed, console)


def _unpin(project: int, group: str) -> str:
    return f"`micro-models unpin --project {project} --group {shlex.quote(group)}`"


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
    Console(stderr=True).print(f"[bold red]Error:[/] {escape(as_typed(why))}", highlight=False, soft_wrap=True)
    sys.exit(1)


upkeep.add_to(app)

if __name__ == "__main__":
    main()
