"""Thumbnails: the image of a task, small, with its last prediction drawn on it; of a video one frame."""

import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import cached_property
from html import escape
from typing import BinaryIO

from PIL import Image

from backend.cancel import until
from backend.errors import LabelingConfigError, MediaError
from backend.loop.data.pages import addresses
from backend.loop.services import Services
from backend.studio import tags
from backend.studio.disk_cache import DiskCache
from backend.studio.drawing import draw_instances
from backend.studio.regions.said import attributes_of, scores_of
from backend.tracks import instances_at
from backend.types import Box, Control, Instance, Media
from model_registry import LedgerEntry, ProjectRecord, TaskRecord

THUMBNAIL_SIDE_PIXELS = 480
"""Longest side of a thumbnail, pixels: twice as wide as it is shown, for screens with two pixels to one."""
TEXT_PIXELS = 22
"""Size of what is written on it, pixels: shown half as large."""
JPEG_QUALITY = 80
"""Of the JPEG: about 20 kB each."""
CACHE_MB = 200
"""Most that thumbnails may take on disk: some 10,000; they are drawn again in milliseconds."""
CONTEXT_FACTOR = 3.0
"""A thumbnail shows so many times the width and height of what is predicted, so that one sees where it is..."""
MAX_ZOOM = 5.0
"""... and at most so many times as large as in the whole picture: closer, there is nothing more to see."""
WHOLE_PICTURE_SHARE = 0.7
"""Share of the picture from which on all of it is shown."""
MIN_SIDE_PIXELS = 200
"""Pixels of the original that the longer side shows at least: fewer are a blur."""
DRAWN_AT_ONCE = 2
"""A page asks for all its pictures at once; the server must go on answering Label Studio meanwhile."""
WAIT_SECONDS = 60.0
"""For a picture to come: nobody looks at the page any longer."""

Said = Sequence[tuple[Control, Sequence[Instance]]]
"""What is predicted with each control."""


class Thumbnails:
    """Draws thumbnails and keeps them on disk, for any number of threads."""

    def __init__(self, services: Services, clock: Callable[[], float] = time.monotonic) -> None:
        self._services, self._clock = services, clock
        self._slots = threading.Semaphore(DRAWN_AT_ONCE)

    def jpeg(self, project: ProjectRecord, task: TaskRecord, frame: int | None = None) -> bytes:
        """The thumbnail of a task, of a video that of a frame (from 1; None: the first in which something was predicted).

        Raises MediaError where it has no picture, StudioError where none can be had.
        """
        entry = self._services.registry.ledger.latest(project.id, [task.id]).get(task.id)
        seen = {c: addresses(task.data, c.media_field)[0] for c in self._controls(project)}
        shown = [control for control, url in seen.items() if isinstance(url, str) and url]
        if not shown:
            raise MediaError(f"Task {task.id} has no image or video in a field that the labeling config names.")
        url = seen[shown[0]]
        controls = [c for c in shown if c.media_field == shown[0].media_field]

        media = self._services.media(project)

        def fill(file: BinaryIO) -> None:
            why = f"its picture did not come within {WAIT_SECONDS:.0f} s"
            # Outside of the slots: a picture that comes slowly keeps those waiting that are here already.
            media.path(url, task.id, until(self._clock() + WAIT_SECONDS, self._clock, why))
            with self._slots:
                if controls[0].media is Media.VIDEO:
                    drawn = self._video(project, task, url, controls, entry, frame)
                else:
                    drawn = self._image(project, task, url, controls, entry)
                drawn.save(file, "JPEG", quality=JPEG_QUALITY)

        stamp = media.stamp(url)
        key = f"{project.id}\n{task.id}\n{url}\n{entry.published_at if entry else ''}\n{stamp}\n{frame or ''}"
        try:
            return self._cache.get(key, fill).read_bytes()
        except FileNotFoundError:  # another process evicted it between the two steps
            return self._cache.get(key, fill).read_bytes()

    @cached_property
    def _cache(self) -> DiskCache:
        return DiskCache(self._services.settings.folder / "thumbnails", CACHE_MB * 1_000_000)

    def _controls(self, project: ProjectRecord) -> tuple[Control, ...]:
        try:
            controls = self._services.config(project).controls
        except LabelingConfigError:
            return ()
        return tuple(
            one for one in controls if not one.attribute_of
        )  # what is drawn; its classes have no place of their own

    def _image(
        self, project: ProjectRecord, task: TaskRecord, url: str, controls: list[Control], entry: LedgerEntry | None
    ) -> Image.Image:
        media = self._services.media(project)
        pixels, size = media.image(url, task.id, THUMBNAIL_SIDE_PIXELS)
        result = entry.result if entry else ()
        said = [(control, tags.for_control(control).read(result, control, size).instances) for control in controls]
        view = view_of([one.bounds for _, found in said for one in found], size)
        if view != whole(size):
            pixels, size = media.image(url, task.id, side_for(view, size))
        return finished(Image.fromarray(pixels), size, said, entry, view)

    def _video(
        self,
        project: ProjectRecord,
        task: TaskRecord,
        url: str,
        controls: list[Control],
        entry: LedgerEntry | None,
        frame: int | None,
    ) -> Image.Image:
        """One frame; None: the first in which something was predicted."""
        video = self._services.media(project).video(url, task.id, f"The video of task {task.id}")
        try:
            tracks = [
                (control, tags.for_video(control).read(entry.result, control, video.size).tracks if entry else ())
                for control in controls
            ]
            starts = [track.keyframes[0].frame for _, mine in tracks for track in mine if track.keyframes]
            number = min(frame or min(starts, default=1), video.size.frames)
            said = [(control, instances_at(mine, number)) for control, mine in tracks]
            size = video.size.width, video.size.height
            view = view_of([one.bounds for _, found in said for one in found], size)
            picture = Image.fromarray(video.frame(number, side_for(view, size)))
        finally:
            video.close()
        return finished(picture, size, said, entry, view)


def whole(size: tuple[int, int]) -> Box:
    """All of a picture of this width and height."""
    return 0.0, 0.0, float(size[0]), float(size[1])


def view_of(boxes: Sequence[Box], size: tuple[int, int]) -> Box:
    """The part of a picture, of its own shape, that shows the boxes with some ground around them; the whole of it where
    they lie apart, or there is none. Pixels of the original."""
    if not boxes:
        return whole(size)
    x0, y0, x1, y1 = (
        min(b[0] for b in boxes),
        min(b[1] for b in boxes),
        max(b[2] for b in boxes),
        max(b[3] for b in boxes),
    )
    share = max(
        CONTEXT_FACTOR * max((x1 - x0) / size[0], (y1 - y0) / size[1]), 1 / MAX_ZOOM, MIN_SIDE_PIXELS / max(size)
    )
    if share > WHOLE_PICTURE_SHARE:
        return whole(size)
    width, height = share * size[0], share * size[1]
    left = min(max((x0 + x1 - width) / 2, 0.0), size[0] - width)
    top = min(max((y0 + y1 - height) / 2, 0.0), size[1] - height)
    return left, top, left + width, top + height


def side_for(view: Box, size: tuple[int, int]) -> int:
    """The longest side that the whole picture must have for its part to fill a thumbnail."""
    return round(THUMBNAIL_SIDE_PIXELS * max(size) / max(view[2] - view[0], view[3] - view[1]))


def finished(
    picture: Image.Image, size: tuple[int, int], said: Said, entry: LedgerEntry | None, view: Box
) -> Image.Image:
    """Draw what is said over the whole picture, and cut out what is to be seen of it; `size` is that of the original."""
    scale, classes = picture.width / size[0], classes_of(entry)
    for control, found in said:
        draw_instances(picture, scored(control, found, entry), scale, control.labels, TEXT_PIXELS, classes)
    left, top, right, bottom = (round(edge * scale) for edge in view)
    return picture.crop((left, top, min(right, picture.width), min(bottom, picture.height)))


def scored(control: Control, instances: Sequence[Instance], entry: LedgerEntry | None) -> list[Instance]:
    """The instances with the scores that they were published with: read back, a region counts as certain."""
    scores = scores_of(entry.result) if entry else {}
    return [replace(i, score=scores.get((control.from_name, i.region_id or ""), i.score)) for i in instances]


def classes_of(entry: LedgerEntry | None) -> dict[str, str]:
    """{region: its classes}, as they are written beside it."""
    found = dict[str, str]()
    for id_, said in (attributes_of(entry.result) if entry else {}).items():
        each = (value if isinstance(value, list) else [value] for value in said.values())
        found[id_] = ", ".join(str(one) for some in each for one in some)
    return found


def placeholder(why: str) -> str:
    """An SVG in a picture's place."""
    return (
        '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 320 180" role="img">'
        f"<title>{escape(why)}</title>"
        '<rect width="320" height="180" fill="#8883"/>'
        '<path d="M130 70h60v42h-60z M130 104l18-16 14 12 10-8 18 14" fill="none" stroke="#888" stroke-width="3"/>'
        '<text x="160" y="142" font-family="system-ui, sans-serif" font-size="13" fill="#888" text-anchor="middle">'
        "No picture</text></svg>"
    )
