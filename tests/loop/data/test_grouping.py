import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.loop.data.grouping import WHOLE_PROJECT, GroupRule, choose_rule, field_of, group_of, order_of, ordered_by

WELL_KNOWN_RULE = choose_rule(None, {}, "")


@pytest.mark.parametrize(
    ("data", "group"),
    [
        ({}, WHOLE_PROJECT),
        ({"image": "a.png"}, WHOLE_PROJECT),
        ({"video": ""}, WHOLE_PROJECT),
        ({"video": None, "patient": "p1"}, "p1"),
        ({"video": ["a"], "scene": 3}, "a"),
        ({"video": ["a", 2.0, None]}, "a, 2"),
        ({"video": [], "scene": 3.0}, "3"),
        ({"video": {"id": 2, "cut": "b"}}, '{"cut": "b", "id": 2}'),
        ({"video": {}}, WHOLE_PROJECT),
        ({"video": True}, "true"),
        ({"video": math.nan}, WHOLE_PROJECT),
        ({"scene": 3.5}, "3.5"),
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
    [({"frame": "0012.png"}, 12.0), ({"frame": "cam2_frame_12.mp4"}, 12.0), ({"frame": "00:01:02.5"}, 62.5),
     ({"time": "1:02"}, 62.0), ({"timestamp": "1970-01-02T00:00:01Z"}, 86401.0), ({"time": "1970-01-02"}, 86400.0),
     ({"frame": "9" * 400}, None), ({"frame": "f" + "9" * 400, "slice": 1}, 1.0), ({"frame": 10**400}, None),
     ({}, None), ({"frame": "x"}, None), ({"frame": True}, None), ({"frame": "007"}, 7.0), ({"frame": 0}, 0.0),
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


def test_what_people_may_not_expect_of_a_group_is_said() -> None:
    assert group_of(7, {"video": ["a"]}, WELL_KNOWN_RULE)[1] == "well-known field 'video', which holds a list"
    assert group_of(7, {"a": {"b": True}}, GroupRule("a.b", "X"))[1] == "field 'a.b' (X), which holds true or false"
    assert group_of(7, {"video": "a"}, WELL_KNOWN_RULE)[1] == "well-known field 'video'"


@pytest.mark.parametrize("one", [3, 3.0, "3", " 3 "])
def test_a_number_names_one_group_however_it_is_written(one: object) -> None:
    assert group_of(7, {"scene": one}, WELL_KNOWN_RULE)[0] == "3"


def test_a_nested_field_may_name_the_group() -> None:
    rule = GroupRule("meta.video", "model_group_by in the labeling config")
    assert group_of(7, {"meta": {"video": "a"}}, rule)[0] == "a"
    assert group_of(7, {"meta": "a"}, rule)[0] == "(no meta.video)"


@pytest.mark.parametrize(
    ("data", "words"),
    [({"frame": "x"}, "in no order"), ({"frame": "x", "time": "00:01:00"}, "in the order of 'time'")],
)
def test_what_orders_the_tasks_is_said(data: dict[str, object], words: str) -> None:
    assert ordered_by(data) == words


def test_the_field_that_names_the_group() -> None:
    assert field_of({"patient": "p", "video": "v"}, WELL_KNOWN_RULE) == "video"
    assert field_of({"image": "a.png", "video": ""}, WELL_KNOWN_RULE) is None
    assert field_of({"video": "v"}, GroupRule("patient", "somebody")) == "patient"
    assert field_of({"video": "v"}, choose_rule(None, {}, "", whole_videos=True)) is None
