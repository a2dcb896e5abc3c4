"""EXIF orientation: how a picture is turned, as browsers see it."""

import struct

from PIL import ExifTags, Image

TURNED = ("JPEG", "MPO", "PNG", "AVIF")
"""Formats that browsers turn by their EXIF. They do not turn a WebP, and nothing by XMP."""
ORIENTATION = ExifTags.Base.Orientation
SHORT = 3
"""Type of the orientation's field; browsers ignore one of another type."""
BYTE_ORDERS = {b"II*\0": "<", b"MM\0*": ">"}


def orientation(image: Image.Image) -> int:
    """1 to 8, of an image that was opened and not loaded yet: a PNG tells behind its pixels what browsers do not read."""
    if image.format == "TIFF":  # which no browser shows
        return int(image.getexif().get(ORIENTATION, 1))
    exif = image.info.get("exif")
    # `getexif` would take an orientation out of XMP too.
    return _orientation(exif) if image.format in TURNED and isinstance(exif, bytes) else 1


def _orientation(exif: bytes) -> int:
    data = exif.removeprefix(b"Exif\0\0")
    try:
        order = BYTE_ORDERS[data[:4]]
        (start,) = struct.unpack_from(order + "I", data, 4)
        (count,) = struct.unpack_from(order + "H", data, start)
        for n in range(count):
            tag, kind, _, value = struct.unpack_from(order + "HHIH", data, start + 2 + 12 * n)
            if tag == ORIENTATION:
                return value if kind == SHORT and 1 <= value <= 8 else 1
    except (KeyError, struct.error):
        pass  # no EXIF, or cut short
    return 1
