"""Bitmasks: `BitmaskLabels`, and `Bitmask` together with `Labels`. All regions of one label are one instance.

A region is a PNG of the image's natural size in a `data:` URL, black where the object is and transparent elsewhere
(editor 1.23.2, `BitmaskRegion`): exact, also after it went through the editor.
"""

import base64
import binascii
from collections.abc import Sequence
from functools import partial
from io import BytesIO
from typing import Any

import numpy as np
from PIL import Image

from backend.studio.regions.by_label import united, write_masks
from backend.studio.regions.comparison import Value, one_move_unless
from backend.studio.regions.item import Item, labelled, value_of
from backend.studio.regions.limits import MOST_ENCODED, MOST_ENCODED_IN_ALL, Budget
from backend.studio.regions.mask import is_same_mask, resized
from backend.studio.regions.region import MOST_PIXELS, Nothing, ReadResult, Size
from backend.types import Control, Instance, Mask

SHAPE = "bitmask"
KEY = "imageDataURL"
PREFIX = "data:image/png;base64,"


class BitmaskRegions:
    """The converter of both ways to configure bitmasks."""

    def read(self, result: Sequence[Item], control: Control, size: Size | None = None) -> ReadResult:
        """See `regions.Regions.read`; the instance of a label has the id of the label's first region."""
        read = partial(_mask, budget=Budget(MOST_ENCODED_IN_ALL, "letters of bitmasks"))
        found, problems = labelled(result, control, SHAPE, read, size)
        return united(found, problems, control)

    def write(self, instances: Sequence[Instance], control: Control, size: Size) -> list[dict[str, Any]]:
        """See `regions.Regions.write`; an empty mask is no region."""
        return write_masks(instances, control, size, SHAPE, lambda mask: {KEY: _encoded(mask)})


def _mask(item: Item, image: Size, budget: Budget) -> Mask | str:
    """The mask of an item, in the size of the image as it is; or what is wrong with it."""
    url = value_of(item).get(KEY)
    budget.take(len(url) if isinstance(url, str) else 0)
    mask = _decoded(url)
    if isinstance(mask, str):
        return mask
    mask = resized(mask, image)
    return mask if mask.any() else Nothing("is empty")


def _encoded(mask: Mask) -> str:
    """The PNG as the editor writes it: RGBA, black."""
    pixels = np.zeros((*mask.shape, 4), np.uint8)
    pixels[..., 3] = np.where(mask, 255, 0)
    file = BytesIO()
    Image.fromarray(pixels).save(file, "PNG")
    return PREFIX + base64.b64encode(file.getvalue()).decode()


def _decoded(url: object) -> Mask | str:
    """The pixels that are not wholly transparent, as the editor counts them; or what is wrong."""
    if not isinstance(url, str) or not url.startswith(PREFIX):
        return f"has no {KEY} that starts with {PREFIX!r}"
    if len(url) > MOST_ENCODED:
        return f"has a PNG of {len(url):,} letters; expected at most {MOST_ENCODED:,}"
    try:
        with Image.open(BytesIO(base64.b64decode(url[len(PREFIX) :], validate=True)), formats=("PNG",)) as picture:
            if picture.width * picture.height > MOST_PIXELS:
                return f"has a PNG of {picture.width} x {picture.height} pixels; expected at most {MOST_PIXELS:,}"
            # Of a palette or a single transparent colour Pillow makes alpha only on the way to RGBA.
            whole = picture if picture.mode in ("RGBA", "LA") else picture.convert("RGBA")
            return np.asarray(np.asarray(whole.getchannel("A")) > 0)
    except binascii.Error:
        return f"has an {KEY} that is no base64"
    except Exception as error:  # Pillow raises errors of a dozen kinds for damaged files
        return f"has a PNG that cannot be decoded ({type(error).__name__}: {error})"


def _is_same(a: Value, b: Value) -> bool:
    if a.get(KEY) == b.get(KEY):
        return True
    first, second = _decoded(a.get(KEY)), _decoded(b.get(KEY))
    return not isinstance(first, str) and not isinstance(second, str) and is_same_mask(first, second)


COMPARISON = one_move_unless(_is_same)
