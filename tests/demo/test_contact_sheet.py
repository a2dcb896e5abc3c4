from pathlib import Path

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, ImageColor

from backend.demo.contact_sheet import (
    COLUMNS,
    HEADER,
    LABELLED,
    PREDICTED,
    TILE_WIDTH,
    TRUTH,
    Tile,
    draw_sheet,
    draw_tile,
    spread,
)
from backend.types import Instance


def picture(folder: Path) -> Path:
    path = folder / "frame.png"
    Image.fromarray(np.zeros((720, 1280, 3), np.uint8)).save(path)
    return path


def colours(image: Image.Image) -> set[tuple[int, ...]]:
    return {tuple(int(part) for part in pixel) for pixel in np.unique(np.asarray(image).reshape(-1, 3), axis=0)}


def test_no_tile_is_a_sheet_with_its_title_only() -> None:
    assert draw_sheet([], "nothing").size == (COLUMNS * TILE_WIDTH, HEADER)


def test_rows_are_filled_from_the_left(tmp_path: Path) -> None:
    tiles = [Tile(picture(tmp_path), str(n), (), ()) for n in range(COLUMNS + 1)]
    assert draw_sheet(tiles, "six").size == (COLUMNS * TILE_WIDTH, HEADER + 2 * 216)


def test_truth_prediction_and_label_have_their_colours(tmp_path: Path) -> None:
    box = Instance("bunny", (100, 100, 600, 500), 0.5)
    path = picture(tmp_path)
    both = colours(draw_tile(Tile(path, "", (box,), (Instance("bunny", (300, 200, 900, 600), 0.9),))))
    assert {ImageColor.getrgb(TRUTH), ImageColor.getrgb(PREDICTED)} <= both
    labelled = colours(draw_tile(Tile(path, "", (box,), (), labelled=True)))
    assert ImageColor.getrgb(LABELLED) in labelled
    assert ImageColor.getrgb(TRUTH) not in labelled


def test_the_original_picture_is_not_touched(tmp_path: Path) -> None:
    path = picture(tmp_path)
    before = path.read_bytes()
    draw_tile(Tile(path, "one", (Instance("bunny", (9, 9, 1, 1)),), ()))
    assert path.read_bytes() == before


@given(st.lists(st.integers(), unique=True).map(sorted), st.integers(2, 30))
def test_the_choice_is_even_and_has_both_ends(positions: list[int], most: int) -> None:
    chosen = spread(positions, most)
    assert len(chosen) == min(len(positions), most)
    assert chosen == sorted(set(chosen))
    assert set(chosen) <= set(positions)
    assert not positions or {positions[0], positions[-1]} <= set(chosen)
