"""Classes of single regions, both directions."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.studio import tags
from backend.studio.labeling_config import parse
from backend.studio.regions import ReadResult
from backend.studio.regions.rectangle import RectangleRegions
from backend.tracks import Track, VideoSize
from backend.types import Box, Control, Instance

SIZE = (200, 100)
TREE = {"choices": "Choices", "taxonomy": "Taxonomy"}


def controls(kind: str = "choices", more: str = "") -> tuple[Control, Control]:
    """Of the boxes, and of the classes of each."""
    tag, more = TREE[kind], more or ('maxUsages="1"' if kind == "taxonomy" else "")
    boxes, state = parse(
        '<View><Image name="i" value="$i"/><RectangleLabels name="box" toName="i"><Label value="cat"/><Label value="dog"/>'
        f'</RectangleLabels><{tag} name="state" toName="i" perRegion="true" {more}><Choice value="up"/>'
        f'<Choice value="down"/></{tag}></View>'
    ).controls
    return boxes, state


def box(id: str = "r1", label: str = "cat", box: Box = (20.0, 10.0, 60.0, 50.0)) -> list[dict[str, Any]]:
    return RectangleRegions().write([Instance(label, box, region_id=id)], controls()[0], SIZE)


def said(*classes: Any, id: Any = "r1", kind: str = "choices") -> dict[str, Any]:
    return {"id": id, "from_name": "state", "to_name": "i", "type": kind, "value": {kind: list(classes)}}


def read(result: list[dict[str, Any]], kind: str = "choices", more: str = "") -> ReadResult:
    control = controls(kind, more)[1]
    return tags.for_control(control).read(result, control, SIZE)


def test_nothing() -> None:
    assert read([]) == read(box()) == read([*box(), said()]) == ReadResult(())


@pytest.mark.parametrize(("kind", "classes"), [("choices", ["up"]), ("taxonomy", [["up"]])])
def test_a_class_is_an_instance_in_the_box_of_its_region(kind: str, classes: list[Any]) -> None:
    expected = (Instance("up", (20.0, 10.0, 60.0, 50.0), region_id="r1"),)
    item = said(*classes, kind=kind)
    assert read([*box(), item], kind).instances == expected
    assert read([item, *box()], kind).instances == expected, "in any order"


@pytest.mark.parametrize(
    ("item", "problem"),
    [
        (said("up", id="gone"), "'state' of region 'gone': there is no such region of box"),
        (said("up", id=None), "'state' of region None: there is no such region of box"),
        (said("up", id=["r1"]), "'state' of region ['r1']: there is no such region of box"),
        (said("left"), "region r1: unknown 'state' 'left'; expected one of: up, down"),
        (said("up", "down"), "region r1 has several 'state': up, down; expected one"),
    ],
)
def test_what_cannot_be_used_costs_itself_alone(item: dict[str, Any], problem: str) -> None:
    found = read([*box(), *box("r2"), item, said("down", id="r2")])
    assert [(one.label, one.region_id) for one in found.instances] == [("down", "r2")]
    assert found.problems == (problem,)


def test_several_where_several_may_be() -> None:
    found = read([*box(), said("down", "up", "up")], more='choice="multiple"')
    assert [one.label for one in found.instances] == ["down", "up"]


@pytest.mark.parametrize("nested", [[["a", "up"]], "up", None, 3])
def test_a_path_and_what_is_no_list_say_nothing(nested: Any) -> None:
    item = {**said(kind="taxonomy"), "value": {"taxonomy": nested}}
    assert read([*box(), item], "taxonomy") == ReadResult(())


def test_of_regions_with_other_labels_nothing_is_read() -> None:
    more = 'visibleWhen="region-selected" whenLabelValue="dog"'
    found = read([*box(), *box("r2", "dog"), said("up"), said("up", id="r2")], more=more)
    assert [one.region_id for one in found.instances] == ["r2"]


def test_a_label_with_a_comma_in_its_name_is_found() -> None:
    [control] = parse(
        '<View><Image name="i" value="$i"/><RectangleLabels name="box" toName="i"><Label value="big, red"/></RectangleLabels>'
        '<Choices name="state" toName="i" perRegion="true" visibleWhen="region-selected" whenLabelValue="big, red">'
        '<Choice value="up"/></Choices></View>'
    ).controls[1:]
    host = box()
    host[0]["value"]["rectanglelabels"] = ["big, red"]
    assert [one.label for one in tags.for_control(control).read([*host, said("up")], control, SIZE).instances] == ["up"]


def test_a_region_with_several_labels_is_one_of_each() -> None:
    both = box()
    both[0]["value"]["rectanglelabels"] = ["cat", "dog"]
    for label in ("cat", "dog"):
        more = f'visibleWhen="region-selected" whenLabelValue="{label}"'
        assert [one.label for one in read([*both, said("up")], more=more).instances] == ["up"]


@pytest.mark.parametrize("kind", TREE)
@given(
    places=st.lists(
        st.tuples(st.integers(0, 150), st.integers(0, 60), st.sampled_from(["up", "down"]), st.floats(0, 1)), max_size=5
    )
)
def test_what_is_written_is_read(kind: str, places: list[tuple[int, int, str, float]]) -> None:
    instances = [
        Instance(label, (float(x), float(y), x + 40.0, y + 30.0), score, f"r{n}")
        for n, (x, y, label, score) in enumerate(places)
    ]
    hosts = [item for one in instances for item in box(one.region_id or "", "dog", one.box)]
    control = controls(kind)[1]
    written = tags.for_control(control).write(instances, control, SIZE)
    assert [item["id"] for item in written] == [one.region_id for one in instances]
    assert all((item["original_width"], item["original_height"], item["type"]) == (*SIZE, kind) for item in written)
    found = read([*hosts, *written], kind)
    assert [(one.label, one.region_id) for one in found.instances] == [(one.label, one.region_id) for one in instances]
    for one, other in zip(found.instances, instances, strict=True):
        assert one.box == pytest.approx(other.box, abs=0.01)
    assert found.problems == ()


def test_of_a_single_choice_the_surest_class_is_written_and_of_several_all() -> None:
    instances = [Instance(label, (0.0, 0.0, 9.0, 9.0), score, "r1") for label, score in (("down", 0.7), ("up", 0.9))]
    single, several = controls()[1], controls(more='choice="multiple"')[1]
    [one] = tags.for_control(single).write(instances, single, SIZE)
    [both] = tags.for_control(several).write(instances, several, SIZE)
    assert (one["value"], one["score"]) == ({"choices": ["up"]}, 0.9)
    assert (both["value"], both["score"]) == ({"choices": ["up", "down"]}, 0.7)


def test_classes_of_tracks() -> None:
    video, size = (
        parse(
            '<View><Video name="v" value="$v"/><Labels name="l" toName="v"><Label value="cat"/></Labels>'
            '<VideoRectangle name="b" toName="v"/><Choices name="state" toName="v" perRegion="true"><Choice value="up"/>'
            "</Choices></View>"
        ).controls,
        VideoSize(*SIZE, 10, 5.0),
    )
    sequence = [{"frame": 2, "enabled": True, "x": 10, "y": 10, "width": 20, "height": 20, "rotation": 0}]
    track = {"id": "t1", "from_name": "b", "type": "videorectangle", "value": {"sequence": sequence, "labels": ["cat"]}}
    found = tags.for_video(video[1]).read([track, said("up", id="t1")], video[1], size).tracks
    assert [(one.label, one.region_id, [k.frame for k in one.keyframes]) for one in found] == [("up", "t1", [2])]
    [item] = tags.for_video(video[1]).write([Track("up", (), 0.5, "t1"), Track("up", ())], video[1], size)
    assert item == {**said("up", id="t1"), "to_name": "v", "score": 0.5}
