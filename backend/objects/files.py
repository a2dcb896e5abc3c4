"""Files: a model in one safetensors file, its card and its composition inside. No pickle.

The arrays of the n-th micro-model are called `n/name`. The string `micro_models` of the metadata is JSON: `format`, the
`tree` of the composition with the cards, and of each micro-model in `models` the strings that say how to ask its arrays.
"""

import json
import os
from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from backend.errors import ArtifactDamaged, MicroModelsError, StorageError
from backend.objects.abstain import Abstain
from backend.objects.chain import Chain, Steps
from backend.objects.crops import Crops
from backend.objects.inside import Inside
from backend.objects.micro_model import MicroModel
from backend.objects.model import Model
from backend.objects.routing import ByGroup, ByTime
from backend.objects.selection import Above, Only
from backend.objects.track import Track
from backend.objects.union import Union
from backend.objects.value import Value
from backend.objects.whole import Whole
from backend.types import Weights

Array = np.ndarray[Any, Any]

KEY, FORMAT = "micro_models", "1"
KINDS = {
    one.kind: one for one in (Abstain, Above, ByGroup, ByTime, Chain, Crops, Inside, Only, Steps, Track, Union, Whole)
}  # fmt: skip


def save(model: Model, path: str | Path) -> None:
    """See `Model.save`; raises StorageError where the file cannot be written."""
    from safetensors.numpy import save as as_bytes

    leaves = list(dict.fromkeys(one for one in model.leaves() if isinstance(one, MicroModel)))
    arrays = {f"{n}/{name}": array for n, one in enumerate(leaves) for name, array in one.weights.arrays.items()}
    head = {
        "format": FORMAT,
        "tree": _tree(model, {one: n for n, one in enumerate(leaves)}),
        "models": [dict(one.weights.metadata) for one in leaves],
    }
    out = Path(path)
    aside = out.with_name(f".{out.name}.{os.getpid()}.part")
    try:
        aside.write_bytes(as_bytes(arrays, {KEY: json.dumps(head)}))
        aside.replace(out)
    except OSError as error:
        aside.unlink(missing_ok=True)
        raise StorageError(
            f"{out} cannot be written ({error}). Expected a folder with room that you may write to."
        ) from None


def load(path: str | Path) -> Model:
    """The model of a file that `save` wrote, or the micro-model of a server's artifact; it equals the one that was saved.

    Raises ArtifactDamaged where the file is missing or none of these.
    """
    try:
        arrays, metadata = _content(Path(path))
        if KEY not in metadata:
            return _nothing_fetched(MicroModel(Weights(arrays, metadata)))
        head = json.loads(metadata[KEY])
        if head["format"] != FORMAT:
            raise ArtifactDamaged(
                f"{path} has the format {head['format']!r}. Expected {FORMAT!r}: upgrade this program to read it."
            )
        own = _by_model(arrays)
        model = _value(head["tree"], [Weights(own.get(str(n), {}), one) for n, one in enumerate(head["models"])])
        if isinstance(model, Model):
            return model
        raise TypeError(f"a step of a chain: {model!r}")
    except MicroModelsError:
        raise
    except (OSError, LookupError, ValueError, TypeError, AttributeError, RecursionError) as error:
        raise ArtifactDamaged(
            f"{path} holds no model that can be read ({type(error).__name__}: {error}). Expected a file that save() wrote."
        ) from error


def _content(path: Path) -> tuple[dict[str, Array], dict[str, str]]:
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path, "np") as file:
            return {name: file.get_tensor(name) for name in file.keys()}, dict(file.metadata() or {})  # noqa: SIM118
    except SafetensorError as error:
        raise ValueError(str(error)) from None


def _by_model(arrays: Mapping[str, Array]) -> dict[str, dict[str, Array]]:
    """{number of a micro-model: its arrays by name}. Nobody can write to them, so that all that are made of one share them."""
    found = defaultdict[str, dict[str, Array]](dict)
    for name, array in arrays.items():
        number, _, own = name.partition("/")
        found[number][own] = np.array(array, order="C")
        found[number][own].flags.writeable = False
    return found


def _nothing_fetched(model: MicroModel) -> MicroModel:
    """The same; raises ArtifactDamaged where its backbone would be fetched from a place that the file names."""
    name = str(model.blueprint.get("backbone", ""))
    if ":" in name or "/" in name:
        raise ArtifactDamaged(
            f"The file names the backbone {name[:100]!r}, which is an address. Expected the plain name of one of timm's, "
            "whose weights come from timm."
        )
    return model


def _tree(value: Value, leaves: Mapping[Value, int]) -> dict[str, Any]:
    found: dict[str, Any] = {"kind": value.kind, "settings": dict(value.settings)}
    if value in leaves:
        return found | {"weights": leaves[value]}
    return found | {"parts": [_tree(part, leaves) for part in value.parts]}


def _value(tree: Mapping[str, Any], weights: Sequence[Weights]) -> Value:
    if tree["kind"] == MicroModel.kind:
        return _nothing_fetched(MicroModel.restored(tree["settings"], [weights[tree["weights"]]]))
    return KINDS[tree["kind"]].restored(tree["settings"], [_value(part, weights) for part in tree["parts"]])
