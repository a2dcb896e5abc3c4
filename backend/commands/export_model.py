"""`export-model`: the micro-models of a group as files that others can use."""

from pathlib import Path
from typing import Annotated, Literal

import typer

from backend.commands import common
from backend.commands.common import ProjectOption


def export_model(
    project: ProjectOption,
    group: Annotated[str, typer.Option("--group", help="Name of the group.")],
    out: Annotated[Path, typer.Option(file_okay=False, help="A folder; each control tag gets one in it.")],
    control: Annotated[
        str | None, typer.Option("--control", help="Name of one control tag; all of the group where left out.")
    ] = None,
    format: Annotated[
        Literal["onnx", "safetensors"],
        typer.Option("--format", help="onnx runs without torch and this package; safetensors: `mm.load`."),
    ] = "safetensors",
) -> None:
    """Write the serving micro-models of a group, each with a card, as Hugging Face's hub takes them."""
    from backend.objects.folder import write_folder
    from backend.objects.zoo import open_zoo

    settings = common.settings()
    zoo = open_zoo(settings.database, settings.artifacts)
    try:
        models = zoo.project(project).group(group)
        for name in [control] if control is not None else list(models):
            files = write_folder(models.require(name), out / _folder_of(name), format)
            common.say(f"{name}: {', '.join(str(path) for path in files)}.")
        if not len(models):
            common.say(f"No micro-model of group {group!r} serves yet: label and train first.")
            raise typer.Exit(1)
    finally:
        zoo.close()


def _folder_of(control: str) -> str:
    """A control tag's name as that of a folder."""
    return "".join(letter if letter.isalnum() or letter in "-_ ." else "_" for letter in control).strip(". ") or "_"
