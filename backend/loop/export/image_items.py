"""A task with one image as a frame of a data set."""

from dataclasses import dataclass

from backend import types
from backend.datasets import Item, Picture
from backend.datasets.pictures import SUFFIXES, ArrayPicture, FilePicture
from backend.errors import DamagedMedia, LabelError, MediaError
from backend.loop.export.reading import ObjectReader
from backend.loop.export.sources import Source
from backend.studio.media import MediaCache
from backend.studio.picture_head import PictureHead, head_of
from backend.studio.task_data import value_at


@dataclass(frozen=True, slots=True)
class ImageItems:
    """Makes frames of the tasks of one project."""

    reader: ObjectReader
    media: MediaCache
    field: str
    """The key of `task.data` with the image."""

    def make(self, source: Source, name: str, number: int) -> Item | None:
        """The frame of a task; None, and a remark, where its picture cannot be had, or nothing of what is drawn can be used."""
        task = source.task
        try:
            picture, head = self._picture(task.id, value_at(task.data, self.field))
            objects, classes = self.reader.read(source, (head.width, head.height))
        except (MediaError, LabelError) as error:
            self.reader.remark(f"task {task.id}: {error}")
            return None
        return Item(
            task.group, name, head.width, head.height, objects, classes, number, picture=picture, about=about(source)
        )

    def _picture(self, task: int, url: object) -> tuple[Picture, PictureHead]:
        if not isinstance(url, str) or not url:
            raise MediaError(f"it has {url!r} in data field '{self.field}', expected the address of an image.")
        path = self.media.path(url, task)
        try:
            head = head_of(path)
        except DamagedMedia:
            self.media.reject(url)
            raise
        if head.format in SUFFIXES and not head.is_turned:
            return FilePicture(path, SUFFIXES[head.format]), head
        media, address = self.media, url

        def decoded() -> types.Image:
            return media.image(address, task)[0]

        # Turned as browsers show it, and of a kind that libraries read: labels lie on what people saw.
        return ArrayPicture(decoded), head


def about(source: Source) -> dict[str, object]:
    """What a data set notes of where a frame comes from, beside its objects."""
    if source.label is not None:
        return {"task": source.task.id, "annotation": source.label.id}
    return {"task": source.task.id, **({"score": source.entry.score} if source.entry else {})}
