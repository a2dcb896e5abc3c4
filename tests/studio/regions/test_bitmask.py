import base64
from functools import partial
from io import BytesIO
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from backend.studio.compare import regions_of, touched
from backend.studio.regions import bitmask, limits
from tests.studio.regions import masks
from tests.studio.regions.masks import BITMASK, disk, only

MASK = disk(9, 7, 4, 4, 3)


def url(picture: Image.Image, **options: Any) -> str:
    file = BytesIO()
    picture.save(file, "PNG", **options)
    return "data:image/png;base64," + base64.b64encode(file.getvalue()).decode()


def png(alpha: Any, colour: int = 0) -> str:
    """As the editor saves it."""
    pixels = np.full((*alpha.shape, 4), colour, np.uint8)
    pixels[..., 3] = alpha
    return url(Image.fromarray(pixels))


read, write = partial(masks.read, BITMASK), partial(masks.write, BITMASK)


def item(url: Any = None, **fields: Any) -> dict[str, Any]:
    value = {"imageDataURL": png(MASK * 255) if url is None else url, "bitmasklabels": ["A"]}
    plain = {"id": "r1", "from_name": "mask", "to_name": "image", "type": "bitmasklabels"}
    return {**plain, "original_width": 9, "original_height": 7, "image_rotation": 0, "value": value, **fields}


def test_a_png_without_a_pixel_is_a_problem() -> None:
    assert read(item(png(np.zeros((7, 9))))).problems == ("region r1 of 'mask': is empty",)


def test_what_is_written_is_what_the_editor_writes() -> None:
    [written] = write(MASK, region_id="kept", score=0.25)
    assert (written["id"], written["type"], written["score"]) == ("kept", "bitmasklabels", 0.25)
    assert (written["original_width"], written["original_height"]) == (9, 7)
    assert written["value"] == {"imageDataURL": png(MASK * 255), "bitmasklabels": ["A"]}


def test_every_pixel_that_shows_at_all_counts() -> None:
    faint = MASK.astype(np.uint8)  # alpha 1 of 255
    assert np.array_equal(only(read(item(png(faint, colour=255)))), MASK)


@pytest.mark.parametrize(
    ("picture", "options"),
    [
        (Image.fromarray(MASK.astype(np.uint8), "P"), {"transparency": 0}),
        (Image.merge("LA", [Image.new("L", (9, 7)), Image.fromarray((MASK * 255).astype(np.uint8))]), {}),
        (Image.fromarray(np.dstack([MASK * 200] * 3).astype(np.uint8)), {"transparency": (0, 0, 0)}),
    ],
)
def test_other_pngs_that_a_browser_shows_in_part(picture: Image.Image, options: Any) -> None:
    if picture.mode == "P":
        picture.putpalette([0, 0, 0] * 2)
    assert np.array_equal(only(read(item(url(picture, **options)))), MASK)


def test_one_without_transparency_covers_everything() -> None:
    assert only(read(item(url(Image.new("RGB", (9, 7)))))).all()


def test_one_of_another_size_is_stretched_over_the_image() -> None:
    assert only(read(item(png(MASK * 255)), size=(18, 14))).sum() == 4 * MASK.sum()


def test_regions_of_one_label_are_one_instance() -> None:
    left, right = disk(9, 7, 2, 3, 1.5), disk(9, 7, 7, 3, 1.5)
    found = read(item(png(left * 255)), item(png(right * 255), id="r2"))
    assert np.array_equal(only(found), left | right)
    assert found.instances[0].region_id == "r1"


@pytest.mark.parametrize(
    ("damage", "said"),
    [
        (None, "has no imageDataURL"),
        (7, "has no imageDataURL"),
        ("data:image/jpeg;base64,AAAA", "starts with"),
        ("data:image/png;base64,", "cannot be decoded"),
        ("data:image/png;base64,Ö", "cannot be decoded"),
        ("data:image/png;base64,A", "no base64"),
        (png(MASK * 255)[:-60], "cannot be decoded"),
        (url(Image.new("1", (9_000, 9_000))), "expected at most 80,000,000"),
    ],
)
def test_a_damaged_one_is_a_problem_and_no_error(damage: Any, said: str) -> None:
    broken = item()
    broken["value"]["imageDataURL"] = damage
    found = read(broken, item(id="r2"))
    assert said in found.problems[0]
    assert len(found.instances) == 1


def test_too_much_is_one_problem(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bitmask, "MOST_ENCODED", 50)
    assert "expected at most 50" in read(item()).problems[0]
    monkeypatch.setattr(bitmask, "MOST_ENCODED_IN_ALL", 50)
    assert not read(item()).usable
    assert limits.MOST_ENCODED < limits.MOST_ENCODED_IN_ALL


def test_a_stroke_is_a_move_and_a_new_packing_is_none() -> None:
    mask = disk(60, 40, 30, 20, 15)
    wider = mask | disk(60, 40, 45, 20, 3)
    [shown], [repacked], [drawn], [broken] = (
        regions_of([item(one)]) for one in (png(mask * 255), png(mask * 9, 255), png(wider * 255), "data:")
    )
    assert [touched(shown, one) for one in (shown, repacked, drawn, broken)] == [0, 0, 1, 1]


@given(st.binary(max_size=40) | st.text(max_size=40), st.booleans())
def test_never_raises(noise: bytes | str, valid: bool) -> None:
    start = base64.b64decode(png(MASK * 255)[22:])[:40] if valid else b""
    text = base64.b64encode(start + noise).decode() if isinstance(noise, bytes) else noise
    read(item("data:image/png;base64," + text))
