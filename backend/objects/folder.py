"""Folder: a micro-model as a folder that Hugging Face's hub takes: weights, `config.json`, and a card in `README.md`."""

import json
import shutil
from pathlib import Path
from typing import Literal, get_args

from backend.errors import CompositionError, StorageError
from backend.objects.exporting import export
from backend.objects.micro_model import MicroModel
from backend.types import Head

FolderFormat = Literal["onnx", "safetensors"]
TASKS = {
    Head.DETECTION: "object-detection",
    Head.SEGMENTATION: "image-segmentation",
    Head.POSE: "keypoint-detection",
    Head.CLASSIFICATION: "image-classification",
}
"""The hub's names of what heads do."""
LICENCES = {"tf_efficientnet_lite0": "apache-2.0"}
"""Of backbones, as timm states them."""
RUN = "run.py"
"""Name of the script that runs a graph without torch and without this package."""
USE = {
    "onnx": f"""```sh
pip install numpy pillow onnxruntime
python {RUN} frame.jpg
```

`model.onnx` %s

All is in it: scaling, network, decoding, the choice of what is shown in a frame by itself, and scores. What neighbours in time
tell is not: tracks, and what the frames of a film agree about. Nor is a score of the frame as a whole.""",
    "safetensors": """```python
import micro_models as mm

model = mm.load("model.safetensors")
print(model("frame.jpg"))
```

It is a start for a group elsewhere, too: `micro-models import-model`, or `mm.fit(frames, labels, start=model)`.""",
}


def write_folder(model: MicroModel, out: str | Path, format: FolderFormat) -> list[Path]:
    """Write the folder, which is made where it is missing; the files. Files of these names are replaced.

    Raises TrainingError where the micro-model cannot be exported as ONNX, StorageError where the folder cannot be written.
    """
    if format not in get_args(FolderFormat):
        raise CompositionError(f"Found the format {format!r}. Expected one of: {', '.join(get_args(FolderFormat))}.")
    folder, use = Path(out), USE[format]
    weights, config, card = folder / f"model.{format}", folder / "config.json", folder / "README.md"
    files = [weights, config, card]
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if format == "onnx":
            use %= export(model, weights)
            files.append(Path(shutil.copy(Path(__file__).with_name("run_exported.py"), folder / RUN)))
        else:
            model.save(weights)
        config.write_text(json.dumps(config_of(model), indent=2) + "\n", encoding="utf-8")
        card.write_text(card_text(model, format, weights.stat().st_size, use), encoding="utf-8")
    except OSError as error:
        raise StorageError(f"{folder} cannot be written ({error}). Expected a folder that you may write to.") from None
    return files


def config_of(model: MicroModel) -> dict[str, object]:
    """What a program needs to know of the weights, as JSON."""
    labels = dict(enumerate(model.labels))
    method, backbone = model.weights.metadata.get("method", ""), str(model.blueprint.get("backbone", ""))
    return {
        "model_type": "micro-model",
        "head": str(model.head),
        "method": method,
        "backbone": backbone,
        "id2label": labels,
        "label2id": {name: n for n, name in labels.items()},
        "card": dict(model.card.as_json()),
        "digest": model.digest,
    }


def card_text(model: MicroModel, format: FolderFormat, nbytes: int, use: str) -> str:
    """The card, as the hub shows it; `use` says how to run the weights, in Markdown."""
    card, backbone = model.card, str(model.blueprint.get("backbone", "unknown"))
    score = "not known yet" if card.score is None else f"{card.score:.3f} ({card.measure})"
    rows = {
        "group": card.group,
        "control tag": card.control,
        "version": card.version,
        "labels": ", ".join(model.labels),
        "labelled frames": card.labelled,
        "on labels that it had never seen": score,
        "started from": card.start,
        "lineage": ", ".join(card.lineage),
        "origin": card.origin,
        "size": f"{nbytes / 1e6:.1f} MB",
        "backbone": f"{backbone}, licence as timm states it: {LICENCES.get(backbone, 'not known')}",
        "digest": model.digest,
    }
    table = "\n".join(f"| {name} | {_cell(value)} |" for name, value in rows.items() if value not in ("", 0))
    head = {"library_name": "micro-models" if format == "safetensors" else "onnx", "pipeline_tag": TASKS[model.head]}
    front = "\n".join(f"{name}: {value}" for name, value in head.items())
    return (
        f"---\n{front}\ntags:\n- micro-model\n---\n\n# Micro-model {card.title.replace(chr(10), ' ')}\n\n"
        f"A tiny model of {model.head}, overfitted to one group of frames on purpose: it is good at these, and "
        "at nothing else.\n\n"
        f"| | |\n| --- | --- |\n{table}\n\n{use}\n"
    )


def _cell(value: object) -> str:
    """Within a row of a table, whatever somebody called a thing."""
    return str(value).replace("|", "\\|").replace("\n", " ").replace("\r", " ")
