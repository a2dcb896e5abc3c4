"""`export`: labels and predictions of a project as a data set."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from backend.commands import common
from backend.commands.common import GroupOption, KeyOption, ProjectOption, UrlOption

if TYPE_CHECKING:
    from backend.loop.export.run import Export

LOGGED_REMARKS = 10
"""Remarks that are printed; the others are counted."""


def export(
    project: ProjectOption,
    format: Annotated[str, typer.Option("--format", help="coco, yolo...; `--format help` names all.")],
    out: Annotated[Path, typer.Option(file_okay=False, help="A new folder, or one of the same export, which goes on.")],
    group: GroupOption = None,
    predictions: Annotated[
        Literal["none", "confident", "all"],
        typer.Option(help="Frames besides those that people labelled: by their predictions."),
    ] = "none",
    min_score: Annotated[
        float | None, typer.Option(min=0, max=1, help="Of a frame, to be confident [0.5].", show_default=False)
    ] = None,
    val: Annotated[float, typer.Option(min=0, max=0.9, help="Share to hold out for validation, in whole groups.")] = 0,
    every: Annotated[int, typer.Option(min=1, help="Of whole videos, one frame in so many.")] = 1,
    url: UrlOption = None,
    api_key: KeyOption = None,
) -> None:
    """Write a project's labels, and predictions if wanted, as a data set: COCO, YOLO, masks, tracks, points..."""
    from backend.loop.export.run import FORMATS, export
    from backend.loop.export.wanted import ExportRequest

    if format == "help":
        for name, words in FORMATS.items():
            common.console.print(f"{name:14} {words}", highlight=False, soft_wrap=True)
        return
    remarks = list[str]()
    wanted = ExportRequest(project, format, group, predictions, min_score, val, every)
    found = export(common.services(url, api_key), wanted, out, remarks.append)
    written, kept = _run_with_progress(found)
    for remark in remarks[:LOGGED_REMARKS]:
        common.console.print(f"Left out: {remark}", highlight=False, markup=False, soft_wrap=True)
    if len(remarks) > LOGGED_REMARKS:
        common.console.print(f"Left out: {len(remarks) - LOGGED_REMARKS} more.")
    before = f", {kept} of them were there before" if kept else ""
    common.console.print(f"{out}: {written} frames{before}.", highlight=False, markup=False, soft_wrap=True)


def _run_with_progress(export: "Export") -> tuple[int, int]:
    """Run the export with a progress bar; (frames written, those of them that were there before)."""
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    frames = kept = 0
    with Progress(*columns, console=common.console, transient=True) as progress:
        bar = progress.add_task("Exporting", total=export.frames)
        for step in export.steps:
            frames, kept = step.frames, kept + step.kept
            progress.update(bar, completed=min(frames, export.frames))
    return frames, kept
