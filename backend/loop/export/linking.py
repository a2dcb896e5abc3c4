"""Identity through the frames of a group whose tasks are single images: nobody drew it, so the boxes are linked."""

from collections.abc import Iterable, Mapping, Sequence

from backend.datasets import Item
from backend.instances import NO_TRACK
from backend.learning.video.associate import Look, associate
from backend.types import Box, Instance


def link(items: Iterable[Item]) -> Mapping[tuple[str, str], Sequence[int]]:
    """{key of a frame: the track of each of its objects, from 1} of one group, in order of time; nothing for a group whose
    objects are followed already. What flickers up in one frame of many has no track."""
    looks, keys = list[Look](), list[tuple[str, str]]()
    for item in items:
        if (item.objects.track != NO_TRACK).any():
            return {}
        boxes = zip(item.objects.label.tolist(), item.objects.xyxy.tolist(), item.objects.score.tolist(), strict=True)
        looks.append(Look(item.number + 1, tuple(Instance(label, _box(box), score) for label, box, score in boxes)))
        keys.append(item.key)
    tracks = associate(looks, ())
    found = dict[tuple[str, str], Sequence[int]]()
    for key, look in zip(keys, looks, strict=True):
        there = {
            (t.label, k.box): n for n, t in enumerate(tracks, start=1) for k in t.keyframes if k.frame == look.frame
        }
        found[key] = [there.get((one.label, one.box), NO_TRACK) for one in look.instances]
    return found


def _box(sides: Sequence[float]) -> Box:
    x0, y0, x1, y1 = sides
    return x0, y0, x1, y1
