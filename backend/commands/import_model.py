"""`import-model`: a micro-model of another backend as the start of a group here."""

from pathlib import Path
from typing import Annotated

import typer

from backend.commands import common
from backend.commands.common import ProjectOption


def import_model(
    path: Annotated[
        Path, typer.Argument(exists=True, help="A safetensors file, or the folder that `export-model` wrote.")
    ],
    project: ProjectOption,
    group: Annotated[str, typer.Option("--group", help="Name of the group.")],
    control: Annotated[
        str | None, typer.Option("--control", help="Name of the control tag, where several ask for the same.")
    ] = None,
) -> None:
    """Take a micro-model of another backend as the start of a group's next training."""
    from backend.loop.import_model import import_model as bring

    version, remarks = bring(common.services(), project, group, path, control)
    for remark in remarks:
        common.say(remark)
    train = f"`micro-models train --project {project} --group '{group}'`"
    common.say(
        f"{version.control}: v{version.number} of group {group!r} is {version.start}. {train} trains from it now."
    )
