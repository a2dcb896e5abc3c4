"""Shots of films."""

import itertools
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image
from typer.testing import CliRunner

from backend.__main__ import app
from backend.objects.cuts import MIN_SHOT_FRAMES, cuts, shots
from backend.objects.routing import by_time
from tests.learning.synthetic import clip
from tests.objects.made import boxes, frame


def film(seed: int, count: int = 20) -> list[np.ndarray]:
    images = [one.frame.image for one in clip(count, discs=2, seed=seed).frames]
    return [np.roll(image, seed, axis=2) if seed else image for image in images]


def test_a_film_of_two_shots_is_cut_where_they_meet() -> None:
    told = list[float]()
    assert cuts([*film(0), *film(1)], progress=told.append) == [(0, 20), (20, None)]
    assert told == [1] * 40


def test_a_film_of_one_shot_is_not_cut() -> None:
    assert cuts(film(0, 40)) == [(0, None)]
    assert cuts([]) == [(0, None)]


def test_what_changes_slowly_or_for_a_moment_is_no_cut() -> None:
    fade = [frame(int(brightness)) for brightness in np.linspace(0, 255, 40)]
    assert cuts(fade) == [(0, None)]
    assert cuts([*[frame(9)] * 20, *[frame(250)] * 3, *[frame(9)] * 20]) in ([(0, None)], [(0, 20), (20, None)])


def test_frames_of_another_shape_are_another_shot() -> None:
    assert cuts([*[frame()] * 20, *[np.zeros((20, 60, 3), np.uint8)] * 20]) == [(0, 20), (20, None)]


@given(st.lists(st.floats(0, 255), max_size=200))
def test_shots_cover_the_film_and_are_what_by_time_takes(changes: list[float]) -> None:
    found = shots(changes)
    assert found[0][0] == 0
    assert found[-1][1] is None
    assert all(end == start for (_, end), (start, _) in itertools.pairwise(found))
    assert all(end - start >= MIN_SHOT_FRAMES for start, end in found if end is not None)
    model = by_time({span: boxes(["cat"], [(n % 30, 0, 0.9, 0)]) for n, span in enumerate(found)})
    assert len(model(frame(), number=len(changes))) == 1


@pytest.mark.parametrize("count", [MIN_SHOT_FRAMES - 1, MIN_SHOT_FRAMES])
def test_a_shot_has_a_least_length(count: int) -> None:
    assert len(shots([0, *[1.0] * 29, 80.0, *[1.0] * (count - 1)])) == 1 + (count >= MIN_SHOT_FRAMES)


def test_the_command_says_them_as_label_studio_counts(tmp_path: Path) -> None:
    for n, image in enumerate([*film(0), *film(1)]):
        Image.fromarray(image).save(tmp_path / f"{n:03}.png")
    answer = CliRunner().invoke(app, ["cuts", str(tmp_path)])
    assert answer.output.splitlines()[:2] == ["frames 1 to 20: 20", "frames 21 to 40: 20"]
