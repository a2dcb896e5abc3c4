import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.loop.grouping import WHOLE_PROJECT, GroupRule, choose_rule, group_of, order_of

WELL_KNOWN_RULE = choose_rule(None, {}, "")


@pytest.mark.parametrize(
    ("data", "group"),
    [
        ({}, WHOLE_PROJECT),
        ({"image": "a.png"}, WHOLE_PROJECT),
        ({"video": ""}, WHOLE_PROJECT),
        ({"video": None, "patient": "p1"}, "p1"),
        ({"video": ["a"], "scene": 3}, "3"),
        ({"video": True}, WHOLE_PROJECT),
        ({"video": " a.mp4 "}, "a.mp4"),
        ({"patient": "p", "video": "v"}, "v"),
        ({"patient_id": 0}, "0"),
    ],
)
def test_well_known_fields(data: dict[str, object], group: str) -> None:
    assert group_of(7, data, WELL_KNOWN_RULE)[0] == group


def test_a_task_without_the_named_field_is_kept_apart_and_told() -> None:
    rule = GroupRule("patient", "connect --group-by")
    assert group_of(7, {"patient": "p1", "video": "v"}, rule)[0] == "p1"
    group, words = group_of(7, {"video": "v"}, rule)
    assert group == "(no patient)"
    assert "lack" in words
    assert "connect --group-by" in words


@pytest.mark.parametrize(
    ("attribute", "extra", "setting", "field", "origin"),
    [
        ("a", {"group_by": "b"}, "d", "a", "labeling config"),
        (None, {"group_by": "b"}, "d", "b", "extra params"),
        (None, {"group_by": 7}, "d", "d", "GROUP_BY"),
        (None, {}, "d", "d", "GROUP_BY"),
        (None, {}, "", None, "well-known"),
    ],
)
def test_who_chooses_the_rule(
    attribute: str | None, extra: dict[str, object], setting: str, field: str | None, origin: str
) -> None:
    rule = choose_rule(attribute, extra, setting)
    assert rule.field == field
    assert origin in str(rule)


def test_whole_videos_stand_alone_unless_somebody_named_a_field() -> None:
    assert group_of(7, {"video": "/data/upload/1/clip.mp4"}, choose_rule(None, {}, "", whole_videos=True)) == (
        "task 7",
        "each video is a group of its own",
    )
    named = choose_rule(None, {"group_by": "camera"}, "", whole_videos=True)
    assert group_of(7, {"video": "a.mp4", "camera": "north"}, named)[0] == "north"


@pytest.mark.parametrize(
    ("data", "order"),
    [({}, None), ({"frame": "x"}, None), ({"frame": True}, None), ({"frame": "007"}, 7.0), ({"frame": 0}, 0.0),
     ({"frame": None, "slice": 3}, 3.0), ({"frame": math.nan}, None), ({"frame": math.inf, "index": 1}, 1.0)],
)  # fmt: skip
def test_order(data: dict[str, object], order: float | None) -> None:
    assert order_of(data) == order


@given(
    st.dictionaries(
        st.sampled_from(["video", "frame", "scene", "x"]),
        st.one_of(st.none(), st.text(), st.floats(), st.lists(st.integers())),
    )
)
def test_any_data_has_a_group_and_words_for_it(data: dict[str, object]) -> None:
    for rule in (WELL_KNOWN_RULE, GroupRule("scene", "test")):
        group, words = group_of(7, data, rule)
        assert group
        assert words
    order_of(data)
