"""Scores and attributes of regions, of whatever an annotation may hold."""

from typing import Any

import pytest

from backend.studio.regions.said import attributes_of, scores_of


def item(kind: str, value: Any, id_: Any = "r", name: Any = "mood", **more: Any) -> dict[str, Any]:
    return {"id": id_, "from_name": name, "type": kind, "value": value, **more}


@pytest.mark.parametrize(
    ("items", "expected"),
    [
        ([], {}),
        ([item("choices", {"choices": ["glad"]})], {"r": {"mood": "glad"}}),
        ([item("choices", {"choices": ["glad", "tired"]})], {"r": {"mood": ["glad", "tired"]}}),
        ([item("taxonomy", {"taxonomy": [["glad"]]})], {"r": {"mood": "glad"}}),
        ([item("taxonomy", {"taxonomy": [["good", "glad"], ["tired"]]})], {"r": {"mood": [["good", "glad"], "tired"]}}),
        ([item("textarea", {"text": ["a"]}), item("number", {"number": 3}, name="age")], {"r": {"mood": "a", "age": 3}}),
        ([item("rectangle", {"x": 1}), item("choices", None), item("choices", {}), item("choices", {"choices": 1}, 7)], {}),
    ],
)  # fmt: skip
def test_attributes(items: list[dict[str, Any]], expected: dict[str, Any]) -> None:
    assert attributes_of(items) == expected


def test_scores() -> None:
    odd = [
        item("x", {}, score="high"),
        item("x", {}, None, score=1),
        item("x", {}, "a"),
        item("x", {}, "b", None, score=1),
    ]
    assert scores_of(odd) == {}
    assert scores_of([item("x", {}, score=0.25), item("x", {}, "s", score=7)]) == {
        ("mood", "r"): 0.25,
        ("mood", "s"): 1,
    }
