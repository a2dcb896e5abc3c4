"""One picture of many frames, with what was predicted and what is true drawn on them."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from PIL import Image, ImageDraw, ImageFont

from backend.types import Instance

COLUMNS = 5
TILE_WIDTH = 384
"""Pixels: a sheet of five columns fills a full HD screen."""
HEADER = 40
"""Pixels above the tiles, for the legend."""
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
    """One frame, shrunk, with its boxes."""
    with Image.open(tile.path) as original:
        scale = TILE_WIDTH / original.width
        picture = original.convert("RGB").resize((TILE_WIDTH, round(original.height * scale)))
    pen = ImageDraw.Draw(picture)
    font = ImageFont.load_default(size=14)
    for instance in tile.truth:
        draw_box(pen, instance, scale, LABELLED if tile.labelled else TRUTH)
    for instance in tile.predicted:
        draw_box(pen, instance, scale, PREDICTED)
        x0, _, _, y1 = (edge * scale for edge in instance.box)
        text = f"{instance.label} {instance.score:.2f}"
        pen.text((x0 + 4, y1 - 20), text, fill=PREDICTED, font=font, stroke_width=2, stroke_fill="black")
    pen.text((6, 4), tile.caption, fill="white", font=font, stroke_width=2, stroke_fill="black")
    return picture


def draw_box(pen: ImageDraw.ImageDraw, instance: Instance, scale: float, colour: str) -> None:
    """One rectangle; corners in the wrong order are drawn all the same."""
    x0, y0, x1, y1 = (edge * scale for edge in instance.box)
    pen.rectangle((min(x0, x1), min(y0, y1), max(x0, x1), max(y0, y1)), outline=colour, width=2)


def spread(positions: Sequence[int], most: int) -> list[int]:
    """At most so many of these, evenly spread, the ends included."""
    if len(positions) <= most:
        return list(positions)
    step = (len(positions) - 1) / (most - 1)
    return [positions[round(number * step)] for number in range(most)]
