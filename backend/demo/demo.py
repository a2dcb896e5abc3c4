"""The whole loop in front of somebody's eyes: servers, project, five labels, training, predictions, figures."""

import shutil
import time
from contextlib import ExitStack
from pathlib import Path

from rich.console import Console
from rich.table import Table

from backend.demo.backend_server import BackendServer
from backend.demo.cases import CASES
from backend.demo.data_set import DataSet, big_buck_bunny
from backend.demo.first_round import FirstRound
from backend.demo.foreign import load_set
from backend.demo.label_studio_server import LabelStudioServer
from backend.demo.measuring import Figures
from backend.demo.stopping import ignore_signals, interrupted_by_signals
from backend.demo.video_round import VideoRound
from backend.errors import DemoError
from backend.types import Head

VIDEO = "video"
"""The demo of boxes again, with the clip as one task."""
HEADS = (*CASES, VIDEO)
LABEL_STUDIO_PORT, BACKEND_PORT = 8080, 9090
INTERRUPTED = 130
"""Exit code of what Ctrl-C has ended, as shells count."""
MARKER = ".micro-models-demo"
"""A file that says: this folder is the demo's own, and may be emptied."""


def run(
    wait: bool = True,
    data: Path | None = None,
    head: str = "detection",
    *,
    labels: int = 5,
    effort: float = 1.0,
    folder: Path = Path("demo-data"),
    label_studio_venv: Path = Path(".venv-label-studio"),
    label_studio_port: int = LABEL_STUDIO_PORT,
    backend_port: int = BACKEND_PORT,
    console: Console | None = None,
) -> int:
    """Run the demo of a head on the Big Buck Bunny clip, or on the folder `data`; the exit code.

    With `wait`, both servers stay up until Ctrl-C. Ports that are taken are replaced by free ones. All that is written
    goes to `folder`, which is emptied first: logs, databases, frames, contact sheet, `figures.json`. `labels` are the
    frames that are labelled, of a classification those of each class; `effort` is the share of training steps.
    """
    _require_head(head)
    console, folder = console or Console(), fresh_folder(folder)
    figures: Figures | None = None
    with interrupted_by_signals(), ExitStack() as servers:
        try:
            data_set = load(data, folder, console, Head.DETECTION if head == VIDEO else Head(head), head != VIDEO)
            studio = LabelStudioServer(folder / "label-studio", label_studio_venv, label_studio_port)
            start(studio, "Label Studio", servers, console)
            backend = backend_for(studio, folder / "backend", backend_port, effort)
            start(backend, "the backend", servers, console)
            first = (VideoRound if head == VIDEO else FirstRound)(data_set, labels, studio, backend, console)
            figures = first.run(folder, lambda project: show_places(studio, backend, project, console))
            show(figures, folder, console)
            if wait:
                stay(studio, backend, first.project, console)
        except KeyboardInterrupt:
            console.print("Interrupted.")
        finally:
            ignore_signals()
            console.print("Stopping what was started.")
    return 0 if figures else INTERRUPTED


def _require_head(head: str) -> None:
    if head not in HEADS:
        raise DemoError(f"There is no demo of the head {head!r}. There is one of: {', '.join(HEADS)}.")


def backend_for(studio: LabelStudioServer, folder: Path, port: int, effort: float) -> BackendServer:
    """The backend of a Label Studio that runs; not started."""
    return BackendServer(folder, studio.url, studio.token, port, {"MICRO_MODELS_EFFORT": str(effort)})


def fresh_folder(folder: Path) -> Path:
    """The folder, empty; DemoError when it holds what the demo did not write."""
    if folder.exists() and any(folder.iterdir()) and not (folder / MARKER).exists():
        raise DemoError(f"{folder} holds files that are not the demo's. Move them, or name another folder.")
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    (folder / MARKER).touch()
    return folder.resolve()


def load(data: Path | None, folder: Path, console: Console, head: Head, is_open: bool = True) -> DataSet:
    """The frames to show: those of a folder, or of the clip. A folder of another head than boxes is shown as what it is,
    where `is_open`."""
    with console.status("Reading the frames"):
        data_set = load_set(data) if data else big_buck_bunny(folder / "frames", head)
    if data_set.objects or (data_set.head is not head and not (is_open and head is Head.DETECTION)):
        what = "points of several objects" if data_set.objects else data_set.head.value
        raise DemoError(
            f"{data} holds {what}, which this demo cannot show. Leave out the head, or measure it with bench."
        )
    console.print(f"Frames: {len(data_set.frames)} of {data_set.name}. {data_set.source}".strip())
    return data_set


def start(server: LabelStudioServer | BackendServer, name: str, servers: ExitStack, console: Console) -> None:
    """Start a server, which is stopped when `servers` closes."""
    started = time.monotonic()
    console.print(f"Starting {name} ...")
    servers.callback(server.stop)
    with console.status("waiting for its answer"):
        server.start()
    seconds = time.monotonic() - started
    if server.port != server.wanted_port:
        console.print(f"  port {server.wanted_port} is taken; it has {server.port}")
    console.print(f"  it answers on {server.url} after {seconds:.1f} s; log: {server.child.log}", soft_wrap=True)


def show(figures: Figures, folder: Path, console: Console) -> None:
    """The measured figures as a table."""
    table = Table(title="Measured", show_header=False)
    table.add_row(f"seconds from label {figures.labels} to predictions on all other frames", f"{figures.seconds:.1f}")
    table.add_row("frames with a prediction in Label Studio", f"{figures.predicted} of {figures.unlabelled}")
    for score in figures.scores:
        shown = "-" if score.value is None else f"{score.value:.{score.digits}f}"
        table.add_row(f"{score.words} on {figures.evaluated} frames that it never saw labelled", shown)
    console.print(table)
    console.print(f"Contact sheet: {folder / 'contact-sheet.png'}", soft_wrap=True)


def show_places(studio: LabelStudioServer, backend: BackendServer, project: int, console: Console) -> None:
    """Where to look at it: before the training, which a person can watch, and at the end."""
    console.print(f"Label Studio: [bold]{studio.url}/projects/{project}/data[/bold]", soft_wrap=True)
    console.print(f"  e-mail {studio.email}, password {studio.password}", highlight=False)
    console.print(f"Dashboard:    [bold]{backend.url}/projects/{project}[/bold]", soft_wrap=True)
    # Without its folder a command would look into the user's own.
    console.print(
        f"Commands:     MICRO_MODELS_DATA_DIR={backend.folder} micro-models status", soft_wrap=True, markup=False
    )


def stay(studio: LabelStudioServer, backend: BackendServer, project: int, console: Console) -> None:
    """Say where the project is, and keep both servers up until Ctrl-C; DemoError when one of them ends by itself."""
    show_places(studio, backend, project, console)
    console.print("[bold]Both keep running. Ctrl-C stops them.[/bold]")
    while True:
        studio.child.check_alive()
        backend.child.check_alive()
        time.sleep(1)
