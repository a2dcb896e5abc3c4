from typing import Any

import pytest

from backend.studio import labeling_config
from backend.studio.visibility import hidden, hidden_classes

CONFIG = """<View>
  <Image name="i" value="$image"/>
  <Choices name="c" toName="i"><Choice value="indoor"/><Choice value="outdoor"/><Choice value="tent"/></Choices>
  <View visibleWhen="choice-selected" whenTagName="c" whenChoiceValue="outdoor,tent">
    <Choices name="w" toName="i"><Choice value="sun"/><Choice value="rain"/></Choices>
    <Choices name="umbrella" toName="i" visibleWhen="choice-selected" whenTagName="w" whenChoiceValue="rain">
      <Choice value="open"/><Choice value="closed"/>
    </Choices>
  </View>
  <RectangleLabels name="lamp" toName="i" visibleWhen="choice-unselected" whenTagName="c" whenChoiceValue="outdoor">
    <Label value="lamp"/>
  </RectangleLabels>
  <Choices name="any" toName="i" visibleWhen="choice-selected"><Choice value="x"/><Choice value="y"/></Choices>
  <Choices name="region" toName="i" visibleWhen="region-selected"><Choice value="x"/><Choice value="y"/></Choices>
</View>"""
CONTROLS = labeling_config.parse(CONFIG).controls


def choice(control: str, *chosen: str, kind: str = "choices") -> dict[str, Any]:
    return {"id": control, "from_name": control, "to_name": "i", "type": kind, "value": {kind: list(chosen)}}


def test_the_config_is_served_as_before() -> None:
    assert [c.from_name for c in CONTROLS] == ["c", "w", "umbrella", "lamp", "any", "region"]


@pytest.mark.parametrize(
    ("result", "names"),
    [
        ([], {"w", "umbrella", "any"}),
        ([choice("c", "indoor")], {"w", "umbrella"}),
        ([choice("c", "tent")], {"umbrella"}),
        ([choice("c", "outdoor"), choice("w", "rain")], {"lamp"}),
        ([choice("c", "indoor"), choice("w", "rain")], {"w", "umbrella"}),
        ([choice("any", "x")], {"w", "umbrella", "any"}),
        ([{"type": "choices", "from_name": "c", "value": None}, {"type": "choices"}, {}], {"w", "umbrella", "any"}),
    ],
)
def test_what_is_hidden_beside_these_choices(result: list[dict[str, Any]], names: set[str]) -> None:
    assert hidden(CONTROLS, result) == names


def test_the_last_step_of_a_taxonomy_is_what_is_chosen() -> None:
    [control] = labeling_config.parse(
        '<View><Image name="i" value="$image"/><Taxonomy name="t" toName="i"><Choice value="a"><Choice value="b"/>'
        '</Choice></Taxonomy><RectangleLabels name="r" toName="i" visibleWhen="choice-selected" whenTagName="t" '
        'whenChoiceValue="b"><Label value="x"/></RectangleLabels></View>'
    ).controls
    path = {**choice("t", kind="taxonomy"), "value": {"taxonomy": [["a", "b"]]}}
    assert hidden([control], [path]) == frozenset()
    assert hidden([control], [choice("t", "a")]) == {"r"}


def test_a_class_of_a_region_is_hidden_by_what_is_chosen_for_that_region() -> None:
    controls = labeling_config.parse(
        '<View><Image name="i" value="$i"/><RectangleLabels name="r" toName="i"><Label value="car"/></RectangleLabels>'
        '<Choices name="where" toName="i" perRegion="true"><Choice value="in"/><Choice value="out"/></Choices>'
        '<View visibleWhen="choice-selected" whenTagName="where" whenChoiceValue="out"><Choices name="sky" toName="i" '
        'perRegion="true"><Choice value="sun"/><Choice value="rain"/></Choices></View></View>'
    ).controls

    def said(name: str, value: str, id: str) -> dict[str, Any]:
        return {"id": id, "from_name": name, "type": "choices", "value": {"choices": [value]}}

    result = [said("where", "in", "a"), said("sky", "sun", "a"), said("where", "out", "b"), said("sky", "rain", "b")]
    assert hidden_classes(controls, result, result) == {("sky", "a")}
    assert hidden_classes(controls, result, [*result[1:], said("where", "out", "a")]) == frozenset()
    assert hidden_classes(controls, result, []) == {("sky", "a"), ("sky", "b")}
    assert hidden_classes(controls, [{"from_name": ["sky"], "id": 3}, {}], result) == frozenset()
    odd = [{"from_name": ["where"], "type": "choices", "id": 3}, {"from_name": "where", "type": "choices"}, {}]
    assert hidden_classes(controls, result, odd) == {("sky", "a"), ("sky", "b")}


def test_a_choice_of_one_region_hides_nothing_of_the_others() -> None:
    controls = labeling_config.parse(
        '<View><Image name="i" value="$i"/><RectangleLabels name="r" toName="i"><Label value="car"/></RectangleLabels>'
        '<Choices name="where" toName="i" perRegion="true"><Choice value="in"/><Choice value="out"/></Choices>'
        '<Choices name="sky" toName="i" perRegion="true" visibleWhen="choice-unselected" whenTagName="where" '
        'whenChoiceValue="in"><Choice value="sun"/><Choice value="rain"/></Choices></View>'
    ).controls
    result = [{**choice("where", "in"), "id": "a"}, {**choice("where", "out"), "id": "b"}]
    shown = [{**choice("sky", "sun"), "id": id_} for id_ in "ab"]
    assert hidden(controls, result) == frozenset()
    assert hidden_classes(controls, shown, result) == {("sky", "a")}
