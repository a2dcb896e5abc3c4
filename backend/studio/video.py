"""Cutting a video file into image files, and making one of them."""

from collections.abc import Callable, Sequence
from pathlib import Path

import av
import numpy as np
from PIL import Image

from backend.errors import MediaError
from backend.studio.decoding import decoded, opened, upright

JPEG_QUALITY = 90
"""Of 100: no artefact that the eye sees, at a tenth of a PNG's size."""


def write_video(images: Sequence[Path], video: Path, rate: int) -> None:
    """Encode image files of one size as an H.264 video that browsers play, `rate` frames a second.

    Odd sides grow by a pixel, which the codec needs.
    """
    with Image.open(images[0]) as first:
        width, height = first.width + first.width % 2, first.height + first.height % 2
    with av.open(str(video), "w") as container:
        stream = container.add_stream("libx264", rate=rate)
        stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
        for path in images:
            with Image.open(path) as image:
                pixels = np.asarray(image.convert("RGB").resize((width, height)))
            frame = av.VideoFrame.from_ndarray(pixels, format="rgb24")
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))


def require_picture(video: Path) -> None:
    """Raises MediaError for a file without a picture, such as a sound recording, or that FFmpeg cannot read."""
    try:
        with av.open(str(video)) as container:
            streams = [stream.type for stream in container.streams]
    except (av.FFmpegError, OSError) as error:
        raise MediaError(f"{video} cannot be read ({error}). Expected a video file that FFmpeg reads.") from error
    if "video" not in streams:
        found = "only sound" if "audio" in streams else "no picture and no sound"
        raise MediaError(f"{video} holds {found}. Expected a video file, with a picture.")


def write_frames(
    video: Path, folder: Path, every: int = 1, told: Callable[[int, int | None], None] = lambda done, of: None
) -> dict[int, Path]:
    """Decode every `every`-th frame of a video into `folder`, upright; {frame number from 0: its file}.

    Frames that are damaged are left out, and the others keep their numbers. Raises MediaError for a file that FFmpeg
    cannot decode or that holds no frame. Memory holds one frame at a time. `told` hears how many frames were decoded, and of
    how many.
    """
    folder.mkdir(parents=True, exist_ok=True)
    written: dict[int, Path] = {}
    try:
        numbers = _numbers(video)
        with opened(video) as container:
            for rank, frame in enumerate(decoded(container)):
                told(rank, len(numbers) or None)
                number = rank if frame.pts is None else numbers.get(frame.pts, rank)
                if number % every == 0:
                    written[number] = folder / f"{number:06d}.jpg"
                    Image.fromarray(upright(frame)).save(written[number], quality=JPEG_QUALITY)
    except (av.FFmpegError, IndexError) as error:
        raise MediaError(f"{video} cannot be decoded ({error}). Expected a video file that FFmpeg reads.") from error
    if not written:
        raise MediaError(f"{video} holds no video frame. Expected a video file that FFmpeg reads.")
    return written


def _numbers(video: Path) -> dict[int, int]:
    """{time in ticks: number from 0} of the frames that a player shows, damaged ones too."""
    with opened(video) as container:
        times = {p.pts for p in container.demux(video=0) if p.size and not p.is_discard and p.pts is not None}
    return {time: number for number, time in enumerate(sorted(times))}
