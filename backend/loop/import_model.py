"""Importing a micro-model of another backend, as the start of a group's next training."""

from dataclasses import replace
from pathlib import Path

from backend.errors import CompositionError
from backend.learning import methods
from backend.loop.data.known import known_group
from backend.loop.services import Services
from backend.objects.files import load
from backend.objects.micro_model import MicroModel
from backend.studio.labeling_config import control_fingerprint
from backend.types import Control, Head
from model_registry import VersionRecord

FILE = "model.safetensors"
"""Name of the weights in a folder that `export-model` wrote."""


def import_model(
    services: Services, project: int, group: str, path: Path, control: str | None = None
) -> tuple[VersionRecord, list[str]]:
    """Keep the micro-model of a file, or of a folder that `export-model` wrote, as the start of a group's next training; the
    version that it is kept as, and remarks.

    `control` names the control tag, where several ask for its head. Raises ArtifactDamaged where the file holds no model,
    WeightsUnusable where its weights make none, CompositionError where it does not fit what the project asks for, and
    RegistryError where project or group are not known.
    """
    record = known_group(services, project, group)
    model = read_model(path)
    wanted = _control_for(model, services.config(record).require(), control)
    check(model, wanted, services.settings.backbone)
    methods.load(model.weights, services.settings.device)
    artifact = services.registry.artifacts.write(model.weights)
    version = services.registry.imports.add(
        project, group, wanted.from_name, model.head, artifact,
        labels=model.card.labelled, fingerprint=control_fingerprint(wanted), start=f"imported: {origin_of(model)}",
        recipe={"backbone": model.blueprint.get("backbone")},
        metrics={"card": model.card.as_json(), "digest": model.digest},
    )  # fmt: skip
    fresh = [label for label in wanted.labels if label not in model.labels]
    remarks = [f"Labels that it does not know, and that begin anew: {', '.join(fresh)}."] if fresh else []
    return version, remarks


def read_model(path: Path) -> MicroModel:
    """The micro-model of a file or folder; raises ArtifactDamaged and CompositionError."""
    model = load(path / FILE if path.is_dir() else path)
    if not isinstance(model, MicroModel):
        raise CompositionError(
            f"{path} holds {model!r}, a composition. Expected one micro-model, as `export-model` writes it."
        )
    return model


def origin_of(model: MicroModel) -> str:
    """Where a micro-model comes from, for people: its group and version there, and by what it can be known again."""
    return f"{model.card.title}, {model.digest[:12]}"


def check(model: MicroModel, control: Control, backbone: str) -> None:
    """Whether a training of the control can start from the model; raises CompositionError with what does not fit."""
    method, own = methods.method_of(model.weights), model.blueprint.get("backbone")
    if not method.transfers:
        raise CompositionError(
            f"{model.title} tells classes apart. These are learnt from the group's own frames in seconds and need no start: "
            "label some frames instead."
        )
    serving = [one for one in (control, replace(control, counted=True)) if control.any_number is None or one is control]
    if not any(method.serves(one) for one in serving):
        raise CompositionError(
            f"{model.title} was trained by the method {method.name!r}, and {control.from_name!r} asks for another one: "
            "expected named points of one object, or any number of points, as `model_points` says."
        )
    if own != backbone:
        raise CompositionError(
            f"{model.title} was trained on the backbone {own!r}, and this backend uses {backbone!r}. Expected the same one: "
            "see MICRO_MODELS_BACKBONE."
        )
    if not set(model.labels) & set(control.labels):
        raise CompositionError(
            f"{model.title} knows the labels {', '.join(model.labels)}, and {control.from_name!r} asks for "
            f"{', '.join(control.labels)}. Expected at least one in common."
        )
    if model.head is Head.POSE and method.serves(control) and model.hangs_on_boxes != (control.boxes_from is not None):
        ways = {True: "in the boxes of objects", False: "in whole frames"}
        raise CompositionError(
            f"{model.title} looks for points {ways[model.hangs_on_boxes]}, and {control.from_name!r} asks for points "
            f"{ways[not model.hangs_on_boxes]}. Expected the same."
        )


def _control_for(model: MicroModel, controls: tuple[Control, ...], name: str | None) -> Control:
    """The control tag that asks for what the model finds; raises CompositionError where none or several do."""
    fitting = [one for one in controls if one.head is model.head and name in (None, one.from_name)]
    if len(fitting) == 1:
        return fitting[0]
    there = ", ".join(f"{one.from_name!r} ({one.head})" for one in controls)
    what = f"{len(fitting)} control tags" if name is None else f"no control tag {name!r}"
    raise CompositionError(
        f"Found {model!r}, and {what} that ask for {model.head}; the labeling config has: {there}. Expected one: "
        "name it with --control."
    )
