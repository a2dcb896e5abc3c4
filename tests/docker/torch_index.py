"""A package index with torch and torchvision for CPUs, for machines that reach the plain index only.

That index has torchvision with CUDA's operators only, which do not load beside a torch without CUDA. They are left out
here; of them the backend uses non-maximum suppression, which is made up for in Python.
"""

import subprocess
import sys
import zipfile
from pathlib import Path

ROOT = Path(__file__).parents[2]
COMPILED = ("torchvision/_C.so", "torchvision/image.so", "torchvision.libs/")
DECLARE = """
if not _has_ops():

    def _assert_has_ops():
        pass  # asked before each call: what is called is declared below

    def _nms(dets, scores, iou_threshold):
        from torchvision.ops import box_iou

        order, kept = scores.argsort(descending=True), []
        while len(order):
            kept.append(order[0])
            order = order[1:][box_iou(dets[kept[-1]][None], dets[order[1:]])[0] <= iou_threshold]
        return torch.stack(kept) if kept else order

    _OPERATORS = torch.library.Library("torchvision", "DEF")
    for _name in ("nms", "qnms"):  # the import of torchvision asks whether both exist
        _OPERATORS.define(_name + "(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
    _OPERATORS.impl("nms", _nms, "CPU")
"""


def make_index(folder: Path) -> Path:
    """The index in `folder`, made where it is missing or was made by an earlier state of this file."""
    made = folder / "torchvision" / "index.html"
    if made.exists() and made.stat().st_mtime > Path(__file__).stat().st_mtime:
        return folder
    wheels = folder / "wheels"
    download = ["download", "--quiet", "--no-deps", "--dest", str(wheels), "-r", str(ROOT / "docker" / "torch.in")]
    subprocess.run([sys.executable, "-m", "pip", *download], check=True)
    for wheel in wheels.glob("*.whl"):
        name = wheel.name.partition("-")[0]
        assert name != "torch" or "+cpu" in wheel.name, f"the package index gives {wheel.name}, which needs CUDA"
        place = folder / name
        place.mkdir(exist_ok=True)
        if name == "torchvision":
            without_operators(wheel, place / wheel.name)
            wheel.unlink()
        else:
            wheel.rename(place / wheel.name)
        (place / "index.html").write_text(f'<a href="{wheel.name}">{wheel.name}</a>\n')
    return folder


def without_operators(wheel: Path, lighter: Path) -> None:
    """The torchvision wheel without what is compiled for CUDA."""
    with zipfile.ZipFile(wheel) as old, zipfile.ZipFile(lighter, "w", zipfile.ZIP_DEFLATED) as new:
        for entry in old.infolist():
            if entry.filename.startswith(COMPILED):
                continue
            content = old.read(entry)
            if entry.filename == "torchvision/extension.py":
                content += DECLARE.encode()
            if entry.filename.endswith(".dist-info/RECORD"):
                kept = [line for line in content.splitlines(keepends=True) if not line.startswith(COMPILED_BYTES)]
                content = b"".join(kept)
            new.writestr(entry, content)


COMPILED_BYTES = tuple(name.encode() for name in COMPILED)
