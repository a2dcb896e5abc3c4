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
from backend.types import Instance, Keypoint


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


def test_a_predicted_mask_is_a_veil_and_a_true_one_an_edge(tmp_path: Path) -> None:
    mask = np.zeros((720, 1280), np.bool_)
    mask[200:600, 400:800] = True
    drawn = Instance("bunny", (400, 200, 800, 600), mask=mask)
    path = picture(tmp_path)
    predicted = draw_tile(Tile(path, "", (), (drawn,)))
    true = draw_tile(Tile(path, "", (drawn,), ()))
    inside = 180, 100
    assert predicted.getpixel((0, 100)) == true.getpixel((0, 100)) == (0, 0, 0)
    assert true.getpixel(inside) == (0, 0, 0)
    veil = np.asarray(predicted.getpixel(inside)) / ImageColor.getrgb(PREDICTED)
    assert 0.2 < veil.min() <= veil.max() < 0.6
    assert ImageColor.getrgb(TRUTH) in colours(true)
    assert draw_tile(Tile(path, "", (drawn,), (), labelled=True)).getpixel(inside) != (0, 0, 0)


def test_points_are_drawn_where_they_are_and_true_ones_around_them(tmp_path: Path) -> None:
    nose, paw = Keypoint("nose", 640, 360), Keypoint("left paw", 200, 600)
    one = Instance("", (0, 0, 700, 700), keypoints=(nose, paw))
    path = picture(tmp_path)
    both = draw_tile(Tile(path, "", (one,), (one,)))
    for x, y in ((192, 108), (60, 180)):
        assert both.getpixel((x, y)) == ImageColor.getrgb(PREDICTED)
        assert ImageColor.getrgb(TRUTH) in colours(both.crop((x - 8, y - 8, x + 9, y + 9)))
    ring = draw_tile(Tile(path, "", (one,), ()))
    assert ring.getpixel((192, 108)) == (0, 0, 0)


def test_names_of_points_stand_on_their_outer_side(tmp_path: Path) -> None:
    one = Instance("", (0, 0, 1, 1), keypoints=(Keypoint("west", 500, 360), Keypoint("east", 800, 360)))
    drawn = np.asarray(draw_tile(Tile(picture(tmp_path), "", (), (one,)))).any(axis=2)
    columns = np.flatnonzero(drawn.any(axis=0))
    assert columns[0] < 150 - 15
    assert columns[-1] > 240 + 15
    assert not drawn[:, 160:230].any()


def test_a_class_is_written_and_not_drawn(tmp_path: Path) -> None:
    path = picture(tmp_path)
    whole = Instance("standing", (0, 0, 1280, 720), 0.9)
    written = draw_tile(Tile(path, "frame 7", (whole,), (whole,)))
    assert {ImageColor.getrgb(TRUTH), ImageColor.getrgb(PREDICTED)} <= colours(written)
    assert colours(written.crop((0, 80, 384, 216))) == {(0, 0, 0)}


def test_no_point_is_no_points(tmp_path: Path) -> None:
    before = draw_tile(Tile(picture(tmp_path), "", (), ()))
    assert colours(before) == {(0, 0, 0)}


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
