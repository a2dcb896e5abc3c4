from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.studio import regions, tags
from backend.types import Control, Head, Instance

SINGLE = Control("class", "image", "Choices", Head.CLASSIFICATION, ("walk", "sit", "lie"), "image")
MULTIPLE = Control("class", "image", "Choices", Head.CLASSIFICATION, ("walk", "sit", "lie"), "image", multiple=True)
WHOLE = (0.0, 0.0, 200.0, 100.0)


def item(*choices: Any, **fields: Any) -> dict[str, Any]:
    plain = {"id": "c1", "from_name": "class", "to_name": "image", "type": "choices"}
    return {**plain, "value": {"choices": list(choices)}, **fields}


def read(
    *items: dict[str, Any], control: Control = SINGLE, size: tuple[int, int] | None = (200, 100)
) -> regions.ReadResult:
    return tags.for_control(control).read(items, control, size)


def write(*instances: Instance, control: Control = SINGLE) -> list[dict[str, Any]]:
    return tags.for_control(control).write(instances, control, (200, 100))


def test_nothing() -> None:
    assert read() == regions.ReadResult(())
    assert read(item()) == regions.ReadResult(())
    assert write() == []


def test_class_of_the_whole_image() -> None:
    assert read(item("sit", score=0.2)) == regions.ReadResult((Instance("sit", WHOLE, region_id="c1"),))


def test_size_need_not_be_known() -> None:
    assert read(item("sit"), size=None).instances == (Instance("sit", (0.0, 0.0, 1.0, 1.0), region_id="c1"),)


def test_several_classes() -> None:
    for items in ([item("sit", "walk")], [item("sit"), item("walk", "sit")]):
        assert [i.label for i in read(*items, control=MULTIPLE).instances] == ["sit", "walk"]


def test_several_classes_where_one_is_expected() -> None:
    found = read(item("sit", "walk"))
    assert found.instances == ()
    assert found.problems == ("'class' has several choices: sit, walk; expected one",)


@pytest.mark.parametrize("choice", ["run", None, 3, ["walk"], ["walk", "fast"]])
def test_unknown_choice_is_a_problem_and_costs_no_other(choice: Any) -> None:
    found = read(item("sit", choice))
    assert [i.label for i in found.instances] == ["sit"]
    assert found.problems == (f"'class': unknown choice {choice!r}; expected one of: walk, sit, lie",)


@pytest.mark.parametrize("value", [None, {}, {"choices": "sit"}, {"choices": None}])
def test_no_list_of_choices(value: Any) -> None:
    assert "expected a list" in read({**item(), "value": value}).problems[0]


def test_other_controls_and_types_are_none_of_ours() -> None:
    assert read(item("sit", from_name="x"), item("sit", type="labels"), {}) == regions.ReadResult(())


def test_written_item_is_whole() -> None:
    assert write(Instance("sit", WHOLE, 0.25, region_id="kept")) == [
        {
            "id": "kept",
            "from_name": "class",
            "to_name": "image",
            "type": "choices",
            "value": {"choices": ["sit"]},
            "score": 0.25,
        }
    ]
    assert len(write(Instance("sit", WHOLE))[0]["id"]) == 10


def test_single_choice_is_the_surest() -> None:
    (written,) = write(Instance("sit", WHOLE, 0.25), Instance("lie", WHOLE, 0.5), Instance("walk", WHOLE, 0.5))
    assert (written["value"], written["score"]) == ({"choices": ["lie"]}, 0.5)


def test_multiple_choices_are_one_item_in_the_order_of_the_config() -> None:
    (written,) = write(
        Instance("lie", WHOLE, 0.9), Instance("walk", WHOLE, 0.6), Instance("lie", WHOLE, 0.8), control=MULTIPLE
    )
    assert (written["value"], written["score"]) == ({"choices": ["walk", "lie"]}, 0.6)


@given(st.sets(st.sampled_from(SINGLE.labels)), st.booleans())
def test_round_trip(labels: set[str], multiple: bool) -> None:
    control = MULTIPLE if multiple else SINGLE
    instances = [Instance(label, WHOLE) for label in sorted(labels)]
    found = read(*write(*instances, control=control), control=control)
    assert found.problems == ()
    expected = labels if multiple else {i.label for i in instances[:1]}
    assert {i.label for i in found.instances} == expected
    assert {i.box for i in found.instances} <= {WHOLE}


@given(
    st.dictionaries(
        st.sampled_from([*item(), "choices"]), st.none() | st.integers() | st.text(max_size=3) | st.lists(st.none())
    )
)
def test_never_raises(damage: dict[str, Any]) -> None:
    read({**item("sit"), **damage})
    read({**item("sit"), "value": {**item("sit")["value"], **damage}})
