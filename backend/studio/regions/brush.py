"""Brush masks: `BrushLabels`, and `Brush` together with `Labels`. All regions of one label are one instance.

Label Studio packs the RGBA bytes of the whole image (thi.ng rle-pack, not COCO's counts); what counts is alpha.
"""

from collections.abc import Sequence
from functools import partial
from typing import Any

import numpy as np

from backend.studio.regions.by_label import united, write_masks
from backend.studio.regions.comparison import Value, one_move_unless
from backend.studio.regions.item import Item, labelled, value_of
from backend.studio.regions.limits import MOST_PACKED, MOST_PACKED_IN_ALL, Budget
from backend.studio.regions.mask import is_same_mask, resized
from backend.studio.regions.packed import count_of, unpack
from backend.studio.regions.region import MOST_PIXELS, Nothing, ReadResult, Size, size_of
from backend.types import Control, Instance, Mask

SHAPE = "brush"
OPAQUE = 127
"""Alpha above this is the object: strokes drawn by hand have soft edges."""
CHANNELS = 4


class BrushRegions:
    """The converter of both ways to configure brushes."""

    def read(self, result: Sequence[Item], control: Control, size: Size | None = None) -> ReadResult:
        """See `regions.Regions.read`; the instance of a label has the id of the label's first region."""
        read = partial(_mask, budget=Budget(MOST_PACKED_IN_ALL, "bytes of packed masks"))
        found, problems = labelled(result, control, SHAPE, read, size)
        return united(found, problems, control)

    def write(self, instances: Sequence[Instance], control: Control, size: Size) -> list[dict[str, Any]]:
        """See `regions.Regions.write`; an empty mask is no region."""
        return write_masks(instances, control, size, SHAPE, lambda mask: {"format": "rle", "rle": _packed(mask)})


def _packed(mask: Mask) -> list[int]:
    from label_studio_sdk.converter import brush  # brings nltk along: seconds, which a start must not take

    rle: list[int] = brush.mask2rle(mask.astype(np.uint8) * 255)  # type: ignore[no-untyped-call]
    return rle


def _mask(item: Item, image: Size, budget: Budget) -> Mask | str:
    """The mask of an item, in the size of the image as it is; or what is wrong with it."""
    rle = value_of(item).get("rle")
    if isinstance(rle, list):
        if len(rle) > MOST_PACKED:
            return f"has an rle of {len(rle):,} bytes; expected at most {MOST_PACKED:,}"
        budget.take(len(rle))
    try:
        packed = bytes(rle if isinstance(rle, list) else ())
    except (TypeError, ValueError):
        packed = b""
    if not packed:
        return "has no rle, a list of bytes"
    count = count_of(packed)
    drawn = next((s for s in (size_of(item, None), image) if s and s[0] * s[1] * CHANNELS == count), None)
    if drawn is None:
        return f"has an rle of {count / CHANNELS:g} pixels, expected those of an image of {image[0]} x {image[1]}"
    try:
        values = unpack(packed)
    except ValueError:
        return "has an rle that is damaged: it cannot be unpacked"
    mask = np.asarray(values.reshape(drawn[1], drawn[0], CHANNELS)[:, :, CHANNELS - 1] > OPAQUE)
    mask = resized(mask, image)
    return mask if mask.any() else Nothing("is empty")


def _is_same(a: Value, b: Value) -> bool:
    return a.get("rle") == b.get("rle") or is_same_mask(_opaque(a), _opaque(b))


def _opaque(value: Value) -> Mask | None:
    """(pixels,): which ones the mask covers; None where it cannot be unpacked."""
    try:
        rle = value.get("rle") or ()
        packed = bytes(rle) if len(rle) <= MOST_PACKED else b""
        too_large = count_of(packed) > CHANNELS * MOST_PIXELS
        return np.asarray(unpack(packed)[CHANNELS - 1 :: CHANNELS] > OPAQUE) if packed and not too_large else None
    except (TypeError, ValueError):
        return None


COMPARISON = one_move_unless(_is_same)
