"""Videos whose frames tell their numbers."""

from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path

import av
import numpy as np

from backend.types import Image

WIDTH, HEIGHT, BITS = 96, 48, 12


def numbered(number: int) -> Image:
    """A frame with its number as black and white bars."""
    image = np.zeros((HEIGHT, WIDTH, 3), np.uint8)
    for bit in range(BITS):
        image[:, 8 * bit : 8 * bit + 8] = 255 * (number >> bit & 1)
    return image


def number_of(image: Image) -> int:
    """What `numbered` wrote, also where the image was shrunk."""
    step = image.shape[1] / BITS
    return sum(
        int(image[:, int((bit + 0.3) * step) : int((bit + 0.7) * step)].mean() > 128) << bit for bit in range(BITS)
    )


def write_video(
    path: Path,
    frames: Sequence[Image],
    rate: int | Fraction = 10,
    times: Sequence[int] | None = None,
    turned: int = 0,
    codec: str = "libx264",
    bf: int = 2,
) -> Path:
    """An H.264 file, with B frames and a codec keyframe each 20 frames; `times` in frames, `turned` in degrees."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream(codec, rate=rate)
        stream.width, stream.height, stream.pix_fmt = frames[0].shape[1], frames[0].shape[0], "yuv420p"
        stream.options = {"g": "20", "bf": str(bf)}
        if turned:
            stream.set_display_rotation(turned)
        for n, image in enumerate(frames):
            frame = av.VideoFrame.from_ndarray(image, format="rgb24")
            frame.pts, frame.time_base = (times[n] if times else n), 1 / Fraction(rate)
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return path
