"""A frame of a whole video, with the detections in it."""

from dataclasses import dataclass

from backend.types import Instance


@dataclass(frozen=True, slots=True)
class VideoFrame:
    """What is seen in one frame that was looked at."""

    number: int
    """In the video, from 1."""
    instances: tuple[Instance, ...]
    complete: bool = False
    """A person drew everything in this frame; the instances are those that the network sees, none."""
