"""One picture of many frames, with what was predicted and what is true drawn on them."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from PIL import Image, ImageChops, ImageDraw, ImageFilter, ImageFont

from backend.studio.drawing import POINT_RADIUS, caption, draw_box, draw_mask, upright, write
from backend.types import Instance, Keypoint, Mask

COLUMNS = 5
TILE_WIDTH = 384
"""Pixels: a sheet of five columns fills a full HD screen."""
HEADER = 40
"""Pixels above the tiles, for the legend."""
LINE = 19
"""Pixels from one line of text to the next."""
NAMES = ImageFont.load_default(size=10)
"""For the names of points, of which a tile has many."""
TRUTH, PREDICTED, LABELLED = "#37c837", "#ff8c1a", "#4aa8ff"


@dataclass(frozen=True, slots=True)
class Tile:
    """One frame of the sheet."""

    path: Path
    caption: str
    truth: tuple[Instance, ...]
    predicted: tuple[Instance, ...]
    labelled: bool = False
    """Whether its truth is what the micro-model was trained on."""


def draw_sheet(tiles: Sequence[Tile], title: str) -> Image.Image:
    """All tiles in rows, under one line of title and legend."""
    pictures = [draw_tile(tile) for tile in tiles]
    height = max((picture.height for picture in pictures), default=0)
    rows = -(-len(pictures) // COLUMNS)
    sheet = Image.new("RGB", (COLUMNS * TILE_WIDTH, HEADER + rows * height), "#202020")
    draw_header(sheet, title)
    for number, picture in enumerate(pictures):
        sheet.paste(picture, (number % COLUMNS * TILE_WIDTH, HEADER + number // COLUMNS * height))
    return sheet


def draw_header(sheet: Image.Image, title: str) -> None:
    """The title, and what each colour means."""
    pen = ImageDraw.Draw(sheet)
    font = ImageFont.load_default(size=18)
    x = 12.0
    for text, colour in ((title, "white"), ("predicted", PREDICTED), ("true", TRUTH), ("labelled by hand", LABELLED)):
        pen.text((x, 10), text, fill=colour, font=font)
        x += pen.textlength(text, font=font) + 28


def draw_tile(tile: Tile) -> Image.Image:
    """One frame, shrunk, with what is true and what was predicted."""
    with Image.open(tile.path) as original:
        scale = TILE_WIDTH / original.width
        picture = original.convert("RGB").resize((TILE_WIDTH, round(original.height * scale)))
    lines = [(tile.caption, "white")]
    for instances, colour, filled in (
        (tile.truth, LABELLED if tile.labelled else TRUTH, tile.labelled),
        (tile.predicted, PREDICTED, True),
    ):
        for instance in instances:
            if is_frame_class(instance, picture, scale):
                lines.append((caption(instance) if colour == PREDICTED else instance.label, colour))
            else:
                draw(picture, instance, scale, colour, filled)
                if colour == PREDICTED and instance.label:
                    x0, _, _, y1 = upright(instance, scale)
                    write(ImageDraw.Draw(picture), (x0 + 4, y1 - 20), caption(instance), colour)
    for number, (text, colour) in enumerate(lines):
        write(ImageDraw.Draw(picture), (6, 4 + number * LINE), text, colour)
    return picture


def is_frame_class(instance: Instance, picture: Image.Image, scale: float) -> bool:
    """Whether it is a class of the whole frame, which is written and not drawn."""
    whole = (0.0, 0.0, picture.width, picture.height)
    near = all(abs(edge - side) < 1 for edge, side in zip(upright(instance, scale), whole, strict=True))
    return near and instance.mask is None and not instance.keypoints


def draw(picture: Image.Image, instance: Instance, scale: float, colour: str, filled: bool) -> None:
    """The mask, the points or the box of an instance; `filled` as a veil and discs with names, else edges and rings."""
    pen = ImageDraw.Draw(picture)
    if instance.mask is not None:
        if filled:
            draw_mask(picture, instance.mask, colour)
        draw_edge(picture, instance.mask, colour)
    elif instance.keypoints:
        draw_named_points(pen, instance.keypoints, scale, colour, filled)
    else:
        draw_box(pen, instance, scale, colour)


def draw_named_points(
    pen: ImageDraw.ImageDraw, points: Sequence[Keypoint], scale: float, colour: str, filled: bool
) -> None:
    """Discs with names on their outer side, where they hide the least; or rings, which go around the discs."""
    middle = sum(point.x for point in points) / len(points)
    for point in points:
        x, y, r = point.x * scale, point.y * scale, POINT_RADIUS if filled else POINT_RADIUS + 2
        pen.ellipse((x - r, y - r, x + r, y + r), fill=colour if filled else None, outline=colour, width=2)
        if filled:
            aside, anchor = (-7, "rm") if point.x < middle else (7, "lm")
            pen.text(
                (x + aside, y), point.label, fill=colour, font=NAMES, anchor=anchor, stroke_width=1, stroke_fill="black"
            )


def draw_edge(picture: Image.Image, mask: Mask, colour: str) -> None:
    """The edge of a mask of the original image, as a line."""
    inside = Image.fromarray(mask).convert("L").resize(picture.size, Image.Resampling.NEAREST)
    picture.paste(colour, (0, 0, *picture.size), ImageChops.subtract(inside.filter(ImageFilter.MaxFilter(3)), inside))


def spread(positions: Sequence[int], most: int) -> list[int]:
    """At most so many of these, evenly spread, the ends included."""
    if len(positions) <= most:
        return list(positions)
    step = (len(positions) - 1) / (most - 1)
    return [positions[round(number * step)] for number in range(most)]
