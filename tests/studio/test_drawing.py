import numpy as np
import pytest
from PIL import Image, ImageColor

from backend.studio.drawing import PALETTE, colour_of, draw_instances
from backend.types import Instance, Keypoint

LABELS = ("Bunny", "Bird")


def canvas() -> Image.Image:
    return Image.new("RGB", (320, 200), "black")


def drawn(*instances: Instance, scale: float = 1.0) -> np.ndarray:
    picture = canvas()
    draw_instances(picture, instances, scale, LABELS)
    return np.asarray(picture)


def has(pixels: np.ndarray, colour: str) -> np.ndarray:
    return (pixels == ImageColor.getrgb(colour)).all(axis=-1)


def test_nothing_leaves_the_picture_as_it_is() -> None:
    assert not drawn().any()


def test_a_box_is_drawn_to_scale_in_the_colour_of_its_label() -> None:
    pixels = drawn(Instance("Bird", (100, 100, 300, 300), 0.5), scale=0.5)
    line = has(pixels, PALETTE[1])
    assert line[100, 50]
    assert line[150, 100]
    assert not line[100, 100]
    assert not has(pixels, PALETTE[0]).any()


def test_corners_in_the_wrong_order_are_drawn_all_the_same() -> None:
    swapped = drawn(Instance("Bird", (150, 150, 50, 60)))
    assert (swapped == drawn(Instance("Bird", (50, 60, 150, 150)))).all()


def test_a_mask_is_a_veil() -> None:
    mask = np.zeros((200, 320), np.bool_)
    mask[120:160, 40:80] = True
    pixels = drawn(Instance("Bunny", (40, 120, 80, 160), mask=mask))
    inside = pixels[150, 60].astype(int)
    assert inside == pytest.approx(np.array(ImageColor.getrgb(PALETTE[0])) * 0.4, abs=2)
    assert not pixels[190, 60].any()


def test_points_are_discs() -> None:
    pixels = drawn(Instance("", (10, 10, 20, 20), keypoints=(Keypoint("Bunny", 100, 150),)))
    assert has(pixels, PALETTE[0])[150, 100]
    assert not pixels[15, 15].any()


def test_a_class_of_the_frame_is_written_and_has_no_box() -> None:
    pixels = drawn(Instance("Bunny", (0, 0, 320, 200), 0.9))
    assert has(pixels, PALETTE[0])[4:30, :100].any()
    assert not pixels[100:].any()


def test_an_unknown_label_has_a_colour_too() -> None:
    assert colour_of("Fox", LABELS) in PALETTE
    assert colour_of("9", [str(n) for n in range(10)]) == PALETTE[1]


def test_what_lies_outside_is_no_error() -> None:
    drawn(Instance("Bunny", (-50, -50, -10, -10)), Instance("Bird", (400, 300, 500, 400)))
