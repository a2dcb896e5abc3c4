import dataclasses
from pathlib import Path

import numpy as np
import pytest
import torch

from backend.errors import TrainingError
from backend.learning.parent.card import card, commit
from backend.learning.parent.recipe import ParentRecipe
from backend.learning.parent.shipped import pack, shipped
from backend.learning.parent.training import Course, begin, examine, made, rate, resume, save, train, visited
from backend.types import Head

RECIPE = ParentRecipe(steps=8, frames=2, side=64, object_side=64, rise=2, shares=(0.4, 0.2, 0.2, 0.2))
CPU = torch.device("cpu")


def _begun(recipe: ParentRecipe = RECIPE) -> Course:
    return begin(recipe, [], CPU)


def _row(course: Course) -> np.ndarray:
    return course.network.pyramid.laterals[0].weight.detach().numpy().copy()


@pytest.fixture(scope="module")
def trained() -> tuple[Course, list[dict[str, float]]]:
    course, told = _begun(), list[dict[str, float]]()
    train(course, [], lambda: False, told.append, every=4)
    return course, told


def test_a_training_ends_and_tells(trained: tuple[Course, list[dict[str, float]]]) -> None:
    course, told = trained
    assert course.done == 8
    assert len(told) == 2
    assert all(np.isfinite(list(losses.values())).all() for losses in told)
    assert not np.array_equal(_row(course), _row(_begun()))


def test_a_stop_and_a_start_come_to_the_same_clips_and_end(tmp_path: Path) -> None:
    course, calls = _begun(), iter(range(100))
    train(course, [], lambda: next(calls) >= 3, lambda _: None)
    assert course.done == 3
    course.seconds = 12.5
    save(course, tmp_path / "folder" / "checkpoint.safetensors")
    again = _begun()
    resume(again, tmp_path / "folder" / "checkpoint.safetensors")
    assert (again.done, again.seconds) == (3, 12.5)
    assert np.array_equal(_row(again), _row(course))
    assert torch.equal(again.average.head.shared.weight, course.average.head.shared.weight)
    train(again, [], lambda: False, lambda _: None)
    assert again.done == 8


def test_it_is_the_same_each_time(trained: tuple[Course, list[dict[str, float]]]) -> None:
    again = _begun()
    train(again, [], lambda: False, lambda _: None)
    assert np.allclose(_row(again), _row(trained[0]), atol=1e-6)


def test_clips_may_be_made_by_other_processes(trained: tuple[Course, list[dict[str, float]]]) -> None:
    again = _begun()
    train(again, [], lambda: False, lambda _: None, makers=2)
    assert np.allclose(_row(again), _row(trained[0]), atol=1e-6)


def test_a_layer_that_is_not_frozen_learns_and_is_kept(tmp_path: Path) -> None:
    course = _begun(dataclasses.replace(RECIPE, frozen=("conv_stem", "bn1", "blocks.0", "blocks.1"), steps=2))
    train(course, [], lambda: False, lambda _: None)
    pack(course.average, course.recipe, tmp_path / "parent.safetensors")
    start = shipped(Head.DETECTION, course.recipe.backbone, tmp_path / "parent.safetensors")
    assert start is not None
    assert any(name.startswith("backbone.body.blocks.2") for name in start.arrays)


def test_a_loss_that_is_none_ends_it() -> None:
    course = _begun()
    with torch.no_grad():
        course.network.pyramid.laterals[0].bias.fill_(float("nan"))  # type: ignore[operator]
    with pytest.raises((TrainingError, RuntimeError)):
        train(course, [], lambda: False, lambda _: None)


def test_clips_are_told_apart_by_their_number_alone() -> None:
    assert np.array_equal(made(RECIPE, 3, []).shots[0].image, made(RECIPE, 3, []).shots[0].image)
    assert made(RECIPE, 3, []).asked is made(RECIPE, 3, []).asked


def test_every_clip_is_visited_as_often_as_asked() -> None:
    seen = [visited(step, 2) for step in range(200)]
    assert all(seen.count(index) == 2 for index in range(1, 95))
    assert visited(7, 1) == 7


def test_the_rate_rises_and_falls() -> None:
    recipe = ParentRecipe(steps=1000, rise=100)
    assert rate(0, recipe) < rate(50, recipe) < rate(99, recipe)
    assert rate(99, recipe) > rate(500, recipe) > rate(999, recipe) > 0


def test_examination_and_card(trained: tuple[Course, list[dict[str, float]]]) -> None:
    losses = examine(trained[0], [], 8)
    assert losses
    assert np.isfinite(list(losses.values())).all()
    facts = {"commit": "abc", "steps": "8", "minutes": "1", "device": "cpu", "held": "8"}
    text = card(RECIPE, facts, losses)
    assert "Commit abc" in text
    assert "4 clips of 2 frames" in text


def test_a_folder_without_a_commit(tmp_path: Path) -> None:
    assert commit(tmp_path) == "unknown"


def test_a_stop_costs_nothing(tmp_path: Path) -> None:
    whole, calls, first = _begun(), iter(range(100)), _begun()
    train(whole, [], lambda: False, lambda _: None)
    train(first, [], lambda: next(calls) >= 4, lambda _: None)
    save(first, tmp_path / "checkpoint.safetensors")
    second = _begun()
    resume(second, tmp_path / "checkpoint.safetensors")
    train(second, [], lambda: False, lambda _: None)
    assert np.allclose(_row(second), _row(whole), atol=1e-5)
