import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from backend.errors import FigureError
from backend.explain.curve import Curve, Labels, many_laws, one_law
from backend.explain.drawing import draw
from backend.explain.experiment import example, trial
from backend.explain.figure import apart, new_figure, save


def test_the_picture_is_drawn_and_small(tmp_path: Path) -> None:
    path = tmp_path / "new folder" / "picture.png"
    save(draw(*example(0, many_laws, 40, 3), trial(0, many_laws, (8, 40), 3), trial(0, one_law, (8, 40), 3)), path)
    assert path.stat().st_size < 150_000
    with Image.open(path) as image:
        assert image.format == "PNG"
        assert image.width > 2 * image.height
        colours = {colour for _, colour in image.convert("RGB").getcolors(1 << 16)}  # type: ignore[union-attr]
    assert any(b > 150 and r < 40 for r, _, b in colours), "the local models' blue is missing"
    assert any(r > 180 and b < 60 for r, _, b in colours), "the global model's orange is missing"


def test_a_constant_curve_without_labels_is_drawn_too(tmp_path: Path) -> None:
    flat = Curve(np.zeros(2), np.ones(2), np.zeros(2))
    tried = trial(0, many_laws, (8,), 1)
    save(draw(flat, Labels(np.zeros(0), np.zeros(0)), tried, tried), tmp_path / "flat.png")
    assert (tmp_path / "flat.png").is_file()


def test_without_matplotlib_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    with pytest.raises(FigureError, match=r"pip install 'micro-models\[explain\]'"):
        new_figure(1, 1)


def test_nothing_needs_no_place() -> None:
    assert apart([], 1.0) == []


@given(st.lists(st.floats(-10, 10), min_size=1, max_size=8), st.floats(0.01, 2))
def test_names_are_apart_in_the_order_of_their_lines(places: list[float], gap: float) -> None:
    found = apart(places, gap)
    assert np.mean(found) == pytest.approx(np.mean(places), abs=1e-9)
    order = np.argsort(places, kind="stable")
    assert (np.diff(np.array(found)[order]) >= gap - 1e-9).all()
