"""Weights that can be read and are still no micro-model: refused as such, whatever is wrong with them."""

import json
import math
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import cache
from typing import Any

import numpy as np
import pytest
from torch import nn

from backend.errors import WeightsUnusable
from backend.learning import methods
from backend.types import Weights
from tests.learning.cases import CASES

Damage = Callable[[Weights], Weights]


@cache
def trained(case: str) -> Weights:
    return CASES[case].trained().weights


@pytest.fixture
def boxes() -> Weights:
    return trained("boxes")


@pytest.fixture
def classes() -> Weights:
    return trained("classes")


def floats(weights: Weights) -> list[str]:
    return sorted(name for name, array in weights.arrays.items() if array.dtype.kind == "f")


def with_arrays(weights: Weights, change: Callable[[str, Any], Any]) -> Weights:
    return replace(weights, arrays={name: change(name, array) for name, array in weights.arrays.items()})


def not_finite(weights: Weights) -> Weights:
    """One number in one array."""
    first = floats(weights)[0]

    def change(name: str, array: Any) -> Any:
        if name != first:
            return array
        copied = array.copy()
        copied.flat[0] = np.nan
        return copied

    return with_arrays(weights, change)


def infinite(weights: Weights) -> Weights:
    last = floats(weights)[-1]
    return with_arrays(weights, lambda name, array: np.full_like(array, np.inf) if name == last else array)


def reshaped(weights: Weights) -> Weights:
    return with_arrays(weights, lambda name, array: array[..., None])


def halved(weights: Weights) -> Weights:
    return with_arrays(weights, lambda name, array: array[: len(array) // 2] if array.ndim else array)


def nothing(weights: Weights) -> Weights:
    return replace(weights, arrays={})


def described(weights: Weights, **changes: Any) -> Weights:
    config = {**json.loads(weights.metadata["blueprint"]), **changes}
    return replace(weights, metadata={**weights.metadata, "blueprint": json.dumps(config)})


def no_json(weights: Weights) -> Weights:
    return replace(weights, metadata={**weights.metadata, "blueprint": "{"})


def a_list(weights: Weights) -> Weights:
    return replace(weights, metadata={**weights.metadata, "blueprint": "[1]"})


def unknown_field(weights: Weights) -> Weights:
    return described(weights, colour="blue")


def no_labels(weights: Weights) -> Weights:
    return described(weights, labels=[])


def more_labels(weights: Weights) -> Weights:
    return described(weights, labels=["a", "b", "c", "d", "e", "f", "g"])


def other_head(weights: Weights) -> Weights:
    return replace(weights, metadata={**weights.metadata, "head": "pose"})


def older_format(weights: Weights) -> Weights:
    return replace(weights, metadata={**weights.metadata, "format": "0"})


def bare(weights: Weights) -> Weights:
    return replace(weights, metadata={})


DAMAGES = [
    not_finite, infinite, reshaped, halved, nothing, no_json, a_list, unknown_field, no_labels, more_labels, other_head,
    older_format, bare,
]  # fmt: skip


@pytest.mark.filterwarnings("ignore:Initializing zero-element tensors")
@pytest.mark.parametrize("damage", DAMAGES)
@pytest.mark.parametrize("head", ["boxes", "classes"])
def test_they_are_refused(head: str, damage: Damage, request: pytest.FixtureRequest) -> None:
    weights: Weights = request.getfixturevalue(head)
    methods.load(weights, "cpu")
    with pytest.raises(WeightsUnusable):
        methods.load(damage(weights), "cpu")


@pytest.mark.parametrize(
    ("case", "changes", "words"),
    [
        ("boxes", {"width": 10**7}, "width: 10000000. Expected numbers from 0 to 512"),
        ("boxes", {"width": -1}, "width: -1"),
        ("boxes", {"width": "64"}, "width: nan"),
        ("boxes", {"labels": ["a"] * 10**6}, "labels: 1000000 entries. Expected at most 10000"),
        ("boxes", {"pixels": 10**12}, "pixels"),
        ("boxes", {"pixels": math.nan}, "pixels: nan"),
        ("boxes", {"counts": [[1], [10**9]]}, "counts: 1000000000"),
        ("boxes", {"most_candidates": math.inf}, "most_candidates: inf"),
        ("boxes", {"background": [10**6, 10**6]}, "background: .* Expected height and width of 1 to"),
        ("masks", {"detail": 10**7}, "detail"),
        ("points", {"crop": 10**6}, "crop"),
        ("points", {"coarse_pixels": 10**12}, "coarse_pixels"),
        ("points", {"poses": [[[0, 0, 1]]] * 10**5}, "poses: 100000 entries"),
        ("classes", {"size": [10**6, 10**6]}, "size"),
        ("classes", {"size": [0, 10**12]}, "size"),
        ("classes of regions", {"size": [16, 10**9]}, "size"),
    ],
)  # fmt: skip
def test_what_would_take_the_machine_s_memory_is_refused_before_anything_is_built(
    case: str, changes: dict[str, Any], words: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    weights = trained(case)
    monkeypatch.setattr(nn.Module, "__init__", lambda *_: pytest.fail("something was built"))
    with pytest.raises(WeightsUnusable, match=words):
        methods.load(described(weights, **changes), "cpu")


@pytest.mark.parametrize(
    "error",
    [MemoryError(), OSError("disk"), RuntimeError("[enforce fail] DefaultCPUAllocator: can't allocate memory"),
     RuntimeError("CUDA error: device-side assert")],
)  # fmt: skip
def test_the_machine_is_not_blamed_on_them(boxes: Weights, error: Exception, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> Mapping[str, object]:
        raise error

    monkeypatch.setattr("backend.learning.detection.micro_model.restored", fail)
    with pytest.raises(type(error)) as raised:
        methods.load(boxes, "cpu")
    assert not isinstance(raised.value, WeightsUnusable)
