"""Cutting a video file into image files."""

from pathlib import Path

import av

from backend.errors import MediaError

JPEG_QUALITY = 90
"""Of 100: no artefact that the eye sees, at a tenth of a PNG's size."""


def write_frames(video: Path, folder: Path, every: int = 1) -> dict[int, Path]:
    """Decode every `every`-th frame of a video into `folder`; {frame number from 0: its file}.

    Raises MediaError for a file that FFmpeg cannot decode or that holds no frame. Memory holds one frame at a time.
    """
    folder.mkdir(parents=True, exist_ok=True)
    written: dict[int, Path] = {}
    try:
        with av.open(str(video)) as container:
            for number, frame in enumerate(container.decode(video=0)):
                if number % every == 0:
                    written[number] = folder / f"{number:06d}.jpg"
                    frame.to_image().save(written[number], quality=JPEG_QUALITY)  # type: ignore[no-untyped-call]
    except (av.FFmpegError, IndexError) as error:
        raise MediaError(f"{video} cannot be decoded ({error}). Expected a video file that FFmpeg reads.") from error
    if not written:
        raise MediaError(f"{video} holds no video frame. Expected a video file that FFmpeg reads.")
    return written
