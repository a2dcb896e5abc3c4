"""Thumbnails: the image of a task, small, with its last prediction drawn on it; of a video one frame."""

import threading
from collections.abc import Sequence
from dataclasses import replace
from functools import cached_property
from html import escape
from typing import BinaryIO

from PIL import Image

from backend.errors import LabelingConfigError, MediaError
from backend.loop.data.pages import addresses
from backend.loop.services import Services
from backend.studio import tags
from backend.studio.disk_cache import DiskCache
from backend.studio.drawing import draw_instances
from backend.types import Control, Instance, Media
from model_registry import LedgerEntry, ProjectRecord, TaskRecord

SIDE = 480
"""Longest side of a thumbnail, pixels: twice as wide as it is shown, for screens with two pixels to one."""
TEXT = 22
"""Size of what is written on it, pixels: shown half as large."""
QUALITY = 80
"""Of the JPEG: about 20 kB each."""
CACHE_MB = 200
"""Most that thumbnails may take on disk: some 10,000; they are drawn again in milliseconds."""
DRAWN_AT_ONCE = 2
"""A page asks for all its pictures at once; the server must go on answering Label Studio meanwhile."""


class Thumbnails:
    """Draws thumbnails and keeps them on disk, for any number of threads."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self._slots = threading.Semaphore(DRAWN_AT_ONCE)

    def jpeg(self, project: ProjectRecord, task: TaskRecord) -> bytes:
        """The thumbnail of a task; raises MediaError where it has no picture, StudioError where none can be had."""
        entry = self._services.registry.ledger.latest(project.id, [task.id]).get(task.id)
        seen = {c: addresses(task.data, c.media_field)[0] for c in self._controls(project)}
        shown = [control for control, url in seen.items() if isinstance(url, str) and url]
        if not shown:
            raise MediaError(f"Task {task.id} has no image or video in a field that the labeling config names.")
        url = seen[shown[0]]
        controls = [c for c in shown if c.media_field == shown[0].media_field]

        def fill(file: BinaryIO) -> None:
            with self._slots:
                draw = self._video if controls[0].media is Media.VIDEO else self._image
                draw(project, task, url, controls, entry).save(file, "JPEG", quality=QUALITY)

        stamp = self._services.media(project).stamp(url)
        key = f"{project.id}\n{task.id}\n{url}\n{entry.published_at if entry else ''}\n{stamp}"
        try:
            return self._cache.get(key, fill).read_bytes()
        except FileNotFoundError:  # another process evicted it between the two steps
            return self._cache.get(key, fill).read_bytes()

    @cached_property
    def _cache(self) -> DiskCache:
        return DiskCache(self._services.settings.folder / "thumbnails", CACHE_MB * 1_000_000)

    def _controls(self, project: ProjectRecord) -> tuple[Control, ...]:
        try:
            return self._services.config(project).controls
        except LabelingConfigError:
            return ()

    def _image(
        self, project: ProjectRecord, task: TaskRecord, url: str, controls: list[Control], entry: LedgerEntry | None
    ) -> Image.Image:
        pixels, size = self._services.media(project).image(url, task.id, SIDE)
        picture = Image.fromarray(pixels)
        for control in controls if entry else ():
            found = tags.for_control(control).read(entry.result, control, size).instances if entry else ()
            draw_instances(picture, scored(found, entry), picture.width / size[0], control.labels, TEXT)
        return picture

    def _video(
        self, project: ProjectRecord, task: TaskRecord, url: str, controls: list[Control], entry: LedgerEntry | None
    ) -> Image.Image:
        """The first frame in which something was predicted."""
        video = self._services.media(project).video(url, task.id, f"The video of task {task.id}")
        try:
            tracks = [
                (control, tags.for_video(control).read(entry.result, control, video.size).tracks if entry else ())
                for control in controls
            ]
            starts = [track.keyframes[0].frame for _, mine in tracks for track in mine if track.keyframes]
            number = min(starts, default=1)
            picture = Image.fromarray(video.frame(number, SIDE))
        finally:
            video.close()
        for control, mine in tracks:
            boxes = [(track, track.box_at(number)) for track in mine]
            found = [Instance(t.label, box, region_id=t.region_id) for t, box in boxes if box is not None]
            draw_instances(picture, scored(found, entry), picture.width / video.size.width, control.labels, TEXT)
        return picture


def scored(instances: Sequence[Instance], entry: LedgerEntry | None) -> list[Instance]:
    """The instances with the scores that they were published with: read back, a region counts as certain."""
    scores = {item.get("id"): item.get("score") for item in entry.result} if entry else {}
    found = [(i, scores.get(i.region_id)) for i in instances]
    return [i if not isinstance(score, (int, float)) else replace(i, score=float(score)) for i, score in found]


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
