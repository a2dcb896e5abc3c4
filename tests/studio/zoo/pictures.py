"""Pictures of every kind: four quarters, red, green, blue, yellow, in the formats and with the oddities that people have."""

import io
import struct
import zlib
from collections.abc import Iterator

import numpy as np
from PIL import Image, ImageCms

WIDTH, HEIGHT = 80, 60
CANON = ((220, 30, 30), (30, 200, 30), (30, 30, 220), (220, 220, 30))
"""Colours of the quarters: upper left, upper right, lower left, lower right."""
EXIF_ORIENTATION = 0x0112


def quarters(width: int = WIDTH, height: int = HEIGHT) -> Image.Image:
    """The picture."""
    array = np.zeros((height, width, 3), np.uint8)
    for n, colour in enumerate(CANON):
        y, x = n // 2 * (height // 2), n % 2 * (width // 2)
        array[y : y + height // 2, x : x + width // 2] = colour
    return Image.fromarray(array)


def encoded(image: Image.Image, format_: str, **options: object) -> bytes:
    """The file."""
    buffer = io.BytesIO()
    image.save(buffer, format_, **options)
    return buffer.getvalue()


def orientation(number: int, big: bool = True, kind: int = 3) -> bytes:
    """EXIF with nothing but an orientation; `kind` 3 is a SHORT, as the standard has it, 4 a LONG."""
    order, value = (">", struct.pack(">HH" if kind == 3 else ">I", *([number, 0] if kind == 3 else [number])))
    if not big:
        order, value = "<", struct.pack("<HH" if kind == 3 else "<I", *([number, 0] if kind == 3 else [number]))
    head = b"MM\0*" if big else b"II*\0"
    entry = struct.pack(order + "HHI", EXIF_ORIENTATION, kind, 1) + value
    return b"Exif\0\0" + head + struct.pack(order + "IH", 8, 1) + entry + struct.pack(order + "I", 0)


def xmp(number: int) -> bytes:
    """XMP with an orientation, as Lightroom leaves it where EXIF was stripped."""
    return (
        '<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">'
        '<rdf:Description xmlns:tiff="http://ns.adobe.com/tiff/1.0/" '
        f'tiff:Orientation="{number}"/></rdf:RDF></x:xmpmeta>'
    ).encode()


def chunk(kind: bytes, data: bytes) -> bytes:
    """A chunk of a PNG."""
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def png16(array: np.ndarray, colour_type: int) -> bytes:
    """A PNG of 16 bits a channel, which Pillow does not write in colour."""
    height, width = array.shape[:2]
    rows = b"".join(b"\0" + row.astype(">u2").tobytes() for row in array)
    head = struct.pack(">IIBBBBB", width, height, 16, colour_type, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")


def inserted(png: bytes, before: bytes, new: bytes) -> bytes:
    """A PNG with a chunk more, before the first of this kind."""
    place = png.index(before) - 4
    return png[:place] + new + png[place:]


def grainy() -> Image.Image:
    """Larger, with grain, so that half of its file is about half of its picture."""
    grain = np.random.default_rng(0).integers(0, 20, (300, 400, 3), np.uint8)
    return Image.fromarray(np.asarray(quarters(400, 300)) + grain)


def oriented() -> Iterator[tuple[str, bytes]]:
    """Turned by EXIF, by XMP, by both; in the formats that can carry it."""
    image = quarters()
    formats = (("jpg", "JPEG", {"quality": 95}), ("png", "PNG", {}), ("webp", "WEBP", {"quality": 95}),
               ("avif", "AVIF", {"quality": 95}))  # fmt: skip
    for ending, format_, options in formats:
        for number in range(1, 9):
            yield f"exif{number}.{ending}", encoded(image, format_, exif=orientation(number), **options)
        yield f"exif6little.{ending}", encoded(image, format_, exif=orientation(6, big=False), **options)
    for number in (0, 9):
        yield f"exif{number}.jpg", encoded(image, "JPEG", quality=95, exif=orientation(number))
    yield "exif6long.jpg", encoded(image, "JPEG", quality=95, exif=orientation(6, kind=4))
    for ending, format_, options in formats[:3]:
        yield f"xmp6.{ending}", encoded(image, format_, xmp=xmp(6), **options)
    yield "exif8xmp6.jpg", encoded(image, "JPEG", quality=95, exif=orientation(8), xmp=xmp(6))
    yield "cmyk6.jpg", encoded(image.convert("CMYK"), "JPEG", quality=95, exif=orientation(6))
    yield "mpo6.jpg", encoded(image, "MPO", save_all=True, append_images=[image], exif=orientation(6), quality=95)
    tail = chunk(b"eXIf", orientation(6)[6:])
    yield "exif6late.png", inserted(encoded(image, "PNG"), b"IEND", tail)
    raw = orientation(6).hex()
    text = f"\nexif\n{len(raw) // 2:8d}\n" + "\n".join(raw[n : n + 72] for n in range(0, len(raw), 72)) + "\n"
    profile = chunk(b"zTXt", b"Raw profile type exif\0\0" + zlib.compress(text.encode()))
    yield "rawprofile6.png", inserted(encoded(image, "PNG"), b"IDAT", profile)
    yield "exif6cut.jpg", encoded(image, "JPEG", quality=95, exif=orientation(6)[:-8])


def coloured() -> Iterator[tuple[str, bytes]]:
    """Colours of all depths, with and without alpha."""
    image = quarters()
    grey = np.asarray(image.convert("L")).astype(np.uint16)
    array = np.asarray(image).astype(np.uint16) * 257
    alpha = np.full((HEIGHT, WIDTH), 255, np.uint8)
    alpha[: HEIGHT // 2, : WIDTH // 2] = 0
    alpha[HEIGHT // 2 :, WIDTH // 2 :] = 128
    rgba = image.convert("RGBA")
    rgba.putalpha(Image.fromarray(alpha))
    deep = np.dstack([array, alpha.astype(np.uint16) * 257])
    palette = image.convert("P", palette=Image.Palette.ADAPTIVE, colors=8)
    yield "grey.jpg", encoded(image.convert("L"), "JPEG", quality=95)
    yield "cmyk.jpg", encoded(image.convert("CMYK"), "JPEG", quality=95)
    yield "progressive.jpg", encoded(image, "JPEG", quality=95, progressive=True)
    yield "subsampled.jpg", encoded(image, "JPEG", quality=95, subsampling=2)
    yield "palette.png", encoded(palette, "PNG")
    yield "palette_clear.png", encoded(palette, "PNG", transparency=0)
    yield "onebit.png", encoded(image.convert("1", dither=Image.Dither.NONE), "PNG")
    yield "rgba.png", encoded(rgba, "PNG")
    yield "rgba.webp", encoded(rgba, "WEBP", lossless=True)
    yield "rgba.avif", encoded(rgba, "AVIF", quality=95)
    yield "grey_alpha.png", encoded(rgba.convert("LA"), "PNG")
    yield "grey16.png", encoded(Image.fromarray(grey * 257), "PNG")
    yield "grey12in16.png", encoded(Image.fromarray(grey * 16), "PNG")
    yield "rgb16.png", png16(array, 2)
    yield "rgba16.png", png16(deep, 6)
    yield "grey_alpha16.png", png16(deep[..., [0, 3]], 4)
    yield "plain.bmp", encoded(image, "BMP")
    yield "palette.bmp", encoded(palette, "BMP")
    yield "plain.gif", encoded(palette, "GIF")
    yield "clear.gif", encoded(palette, "GIF", transparency=0)
    yield "lossless.webp", encoded(image, "WEBP", lossless=True)
    yield "plain.avif", encoded(image, "AVIF", quality=95)
    yield "gamma.png", inserted(encoded(image, "PNG"), b"IDAT", chunk(b"gAMA", struct.pack(">I", 45455)))
    srgb = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    yield "icc.jpg", encoded(image, "JPEG", quality=95, icc_profile=srgb)
    yield "icc.png", encoded(image, "PNG", icc_profile=srgb)
    yield "one_pixel.png", encoded(image.crop((0, 0, 1, 1)), "PNG")
    yield "thin.png", encoded(image.crop((0, 0, WIDTH, 1)), "PNG")


def moving() -> Iterator[tuple[str, bytes]]:
    """Animations: the first frame counts."""
    image = quarters()
    frames = {"save_all": True, "append_images": [image.transpose(Image.Transpose.ROTATE_180)], "duration": 600_000}
    yield "anim.gif", encoded(image, "GIF", **frames)
    yield "anim.webp", encoded(image, "WEBP", lossless=True, **frames)
    yield "anim.png", encoded(image, "PNG", **{**frames, "duration": 60_000})


def damaged() -> Iterator[tuple[str, bytes]]:
    """Cut short, with junk behind, with wrong sums, under a wrong name."""
    image = grainy()
    kinds = {
        "baseline.jpg": encoded(image, "JPEG", quality=90),
        "progressive.jpg": encoded(image, "JPEG", quality=90, progressive=True),
        "restart.jpg": encoded(image, "JPEG", quality=90, restart_marker_rows=1),
        "plain.png": encoded(image, "PNG"),
        "rgba.png": encoded(image.convert("RGBA"), "PNG"),
        "plain.bmp": encoded(image, "BMP"),
        "plain.gif": encoded(image.convert("P", palette=Image.Palette.ADAPTIVE), "GIF"),
        "plain.webp": encoded(image, "WEBP", quality=90),
        "lossless.webp": encoded(image, "WEBP", lossless=True),
        "plain.avif": encoded(image, "AVIF", quality=90),
    }
    for name, content in kinds.items():
        for cut in (2, 100, len(content) // 2, len(content) - 60):
            share = "head" if cut == len(content) - 60 else "half" if cut == len(content) // 2 else f"minus{cut}"
            yield f"{share}_{name}", content[:-cut]
        yield f"junk_{name}", content + bytes(5000)
        yield f"hole_{name}", content[: len(content) // 2] + bytes(40) + content[len(content) // 2 + 40 :]
    png = kinds["plain.png"]
    yield "noiend_plain.png", png[:-12]
    yield "badsum_plain.png", png[:-14] + b"\0\0" + png[-12:]
    yield "png_in.jpg", png
    yield "page.png", b"<!doctype html><title>Log in</title>"
    yield "empty.png", b""


def all_pictures() -> dict[str, bytes]:
    """{name: file}"""
    return dict([*oriented(), *coloured(), *moving(), *damaged()])
