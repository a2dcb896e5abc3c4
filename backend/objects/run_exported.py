"""What this micro-model says of pictures. Needs numpy, pillow and onnxruntime, and nothing else.

    python run.py frame.jpg .. [--boxes boxes.json]

Prints one line of JSON a picture: of each object its label, score, box [x0, y0, x1, y1] in pixels, angle in degrees and points
{name: [x, y, score]}, as far as it has them; masks become PNG files beside the picture. Points that are looked for in boxes
need these: `boxes.json` holds {picture: [[x0, y0, x1, y1], ..]}.
"""

import argparse
import json
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
from PIL import Image, ImageOps


def objects_in(picture: Path, session: Any, boxes: Any) -> list[dict[str, Any]]:
    """What is in one picture, as JSON."""
    image = np.asarray(ImageOps.exif_transpose(Image.open(picture)).convert("RGB"))
    given = {"image": image, "boxes": np.array(boxes, np.float32).reshape(-1, 4)}
    wanted, outputs = [one.name for one in session.get_inputs()], [one.name for one in session.get_outputs()]
    found = dict(zip(outputs, session.run(outputs, {name: given[name] for name in wanted}), strict=True))
    shown = {name: given[name] for name in wanted if name != "image"} | found
    names, rows = json.loads(session.get_modelmeta().custom_metadata_map["labels"]), list[dict[str, Any]]()
    for n, score in enumerate(found["scores"].tolist()):
        row: dict[str, Any] = {"score": score}
        if "labels" in found:
            row["label"] = names[found["labels"][n]]
        places = {"box": "boxes", "angle": "angles", "point": "points"}
        row |= {one: shown[many][n].tolist() for one, many in places.items() if many in shown}
        if "keypoints" in found:
            points = zip(names, found["keypoints"][n].tolist(), found["keypoint_scores"][n].tolist(), strict=True)
            row["points"] = {name: [*place, sure] for name, place, sure in points if sure > 0}
        if "masks" in found:
            row["mask"] = str(picture.with_name(f"{picture.stem}.mask{n}.png"))
            Image.fromarray(found["masks"][n]).save(row["mask"])
        rows.append(row)
    return rows


if __name__ == "__main__":
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("pictures", nargs="+", type=Path)
    options.add_argument("--boxes", type=Path)
    args = options.parse_args()
    model = onnxruntime.InferenceSession(
        str(Path(__file__).with_name("model.onnx")), providers=["CPUExecutionProvider"]
    )
    known = json.loads(args.boxes.read_text()) if args.boxes else {}
    for path in args.pictures:
        print(json.dumps({str(path): objects_in(path, model, known.get(str(path), []))}))
