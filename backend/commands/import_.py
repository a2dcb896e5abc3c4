"""`import`: a video file as one group of frames."""

from pathlib import Path
from typing import Annotated

import typer

from backend.commands import common
from backend.commands.common import KeyOption, ProjectOption, UrlOption
from backend.commands.progress import bar


def import_(
    video: Annotated[Path, typer.Argument(exists=True, dir_okay=False, help="A video file.")],
    project: ProjectOption,
    url: UrlOption = None,
    api_key: KeyOption = None,
    every: Annotated[int, typer.Option(min=1, help="Take one frame in so many.")] = 1,
    name: Annotated[str | None, typer.Option(help="Name of the group; the file's name where left out.")] = None,
    again: Annotated[bool, typer.Option("--again", help="Also where the project has the video already.")] = False,
) -> None:
    """Cut a video file into frames and import them as one group of tasks."""
    from backend.loop.import_video import import_video

    services, console = common.services(url, api_key), common.console
    with bar(console, "Asking Label Studio") as report:
        made = import_video(services, project, video, name, every, again, report)
    tasks = "1 task" if made.tasks == 1 else f"{made.tasks} tasks"
    for line in (f"{tasks} imported as group '{made.group}'.", *made.remarks):
        console.print(line, highlight=False, markup=False, soft_wrap=True)
