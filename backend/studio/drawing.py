"""Drawing instances over a picture: boxes, masks, points, classes. Each label has its colour and is written beside it."""

from collections.abc import Mapping, Sequence
from types import MappingProxyType

from PIL import Image, ImageDraw, ImageFont

from backend.types import Instance, Keypoint, Mask

PALETTE = ("#ff9f1c", "#4cc9f0", "#80ed99", "#ff6b9d", "#f7e733", "#b79cff", "#2ec4b6", "#ff5c39")
"""Bright on photographs, and told apart by the colour-blind as far as eight colours can be; labels are written too."""
TEXT_SIZE = 14
MASK_OPACITY = 0.4
"""The object shows through its mask."""
POINT_RADIUS = 3.5
"""Pixels of the drawn picture."""


def colour_of(label: str, labels: Sequence[str]) -> str:
    """The colour of a label: that of its place among the labels."""
    return PALETTE[labels.index(label) % len(PALETTE)] if label in labels else PALETTE[0]


def draw_instances(
    picture: Image.Image,
    instances: Sequence[Instance],
    scale: float,
    labels: Sequence[str],
    size: int = TEXT_SIZE,
    classes: Mapping[str, str] = MappingProxyType({}),
) -> None:
    """Draw instances over an RGB picture; `scale` is its width over the original's, `size` that of the text in pixels, and
    `classes`, by region, what else is said of each.

    A class of the whole frame, whose box is the frame, is written in the corner, one below the other.
    """
    pen = ImageDraw.Draw(picture)
    line = 0
    for instance in instances:
        colour = colour_of(instance.label, labels)
        if instance.mask is not None:
            draw_mask(picture, instance.mask, colour)
        draw_points(pen, instance.keypoints, scale, labels)
        x0, y0, x1, y1 = upright(instance, scale)
        if instance.mask is None and not instance.keypoints:
            if x0 < 1 and y0 < 1 and x1 > picture.width - 1 and y1 > picture.height - 1:
                tag(pen, (4, 4 + line * (size + 8)), caption(instance), colour, size)
                line += 1
                continue
            draw_box(pen, instance, scale, colour)
        if instance.label and not _is_point(instance):
            above, below = y0 - size - 5, y1 + 2
            beside = above if above >= 0 else below if below + size + 4 <= picture.height else y0
            text = ", ".join(filter(None, (caption(instance), classes.get(instance.region_id or ""))))
            tag(pen, (max(0.0, x0), beside), text, colour, size)


def _is_point(instance: Instance) -> bool:
    """Whether it is one of many points, which a label at each would cover: their colours tell them apart."""
    return len(instance.keypoints) == 1 and instance.keypoints[0].label == instance.label


def draw_box(pen: ImageDraw.ImageDraw, instance: Instance, scale: float, colour: str) -> None:
    """One rectangle, turned as it is; corners in the wrong order are drawn all the same."""
    if instance.angle:
        corners = [(x * scale, y * scale) for x, y in instance.corners]
        pen.line([*corners, *corners[:2]], fill=colour, width=2, joint="curve")
    else:
        pen.rectangle(upright(instance, scale), outline=colour, width=2)


def draw_mask(picture: Image.Image, mask: Mask, colour: str) -> None:
    """A mask of the original image, as a veil of the colour."""
    veil = Image.fromarray(mask).convert("L").resize(picture.size).point(lambda on: round(on * MASK_OPACITY))
    picture.paste(colour, (0, 0, *picture.size), veil)


def draw_points(pen: ImageDraw.ImageDraw, points: Sequence[Keypoint], scale: float, labels: Sequence[str]) -> None:
    """Points as discs with a dark rim, visible on any ground."""
    for point in points:
        x, y, r = point.x * scale, point.y * scale, POINT_RADIUS
        pen.ellipse((x - r, y - r, x + r, y + r), fill=colour_of(point.label, labels), outline="black")


def write(pen: ImageDraw.ImageDraw, at: tuple[float, float], text: str, colour: str) -> None:
    """Text with a dark rim."""
    font = ImageFont.load_default(size=TEXT_SIZE)
    pen.text(at, text, fill=colour, font=font, stroke_width=2, stroke_fill="black")


def tag(pen: ImageDraw.ImageDraw, at: tuple[float, float], text: str, colour: str, size: int) -> None:
    """Text on a small plate of the colour: readable on any ground, also when the picture is shown smaller."""
    font = ImageFont.load_default(size=size)
    x0, _, x1, _ = pen.textbbox(at, text, font=font)
    pen.rectangle((at[0], at[1], at[0] + x1 - x0 + 8, at[1] + size + 4), fill=colour)
    pen.text((at[0] + 4, at[1]), text, fill="black", font=font)


def caption(instance: Instance) -> str:
    """Label and score, as written beside an instance."""
    return f"{instance.label} {instance.score:.2f}"


def upright(instance: Instance, scale: float) -> tuple[float, float, float, float]:
    """The box, or the upright one around it, in pixels of the drawn picture, its corners in order."""
    x0, y0, x1, y1 = (edge * scale for edge in instance.bounds)
    return min(x0, x1), min(y0, y1), max(x0, x1), max(y0, y1)
