"""`cuts`: where a video jumps from one shot to another."""

from pathlib import Path
from typing import Annotated

import typer

from backend.commands.common import say


def cuts(
    video: Annotated[
        Path, typer.Argument(exists=True, help="A video file, or a folder of frames.", show_default=False)
    ],
) -> None:
    """Propose the shots of a long video, each of which may have a micro-model of its own."""
    from backend.objects.cuts import cuts as found_in

    frames = 0

    def count(more: float) -> None:
        nonlocal frames
        frames += int(more)

    shots = found_in(video, progress=count)
    for first, end in shots:
        last = frames if end is None else end
        say(f"frames {first + 1} to {last}: {last - first}")
    say(f"{len(shots)} shot{'' if len(shots) == 1 else 's'}, counted from frame 1 as Label Studio does.")
