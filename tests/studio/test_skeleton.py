import pytest

from backend.errors import LabelingConfigError
from backend.studio.labeling_config import control_fingerprint, parse
from backend.studio.skeleton import EXAMPLE, points_of
from backend.types import Head

LABELS = '<Label value="fly"/><Label value="wasp"/><Label value="dirt" model_skip="true"/>'


def config(attributes: str, tag: str = "VectorLabels") -> str:
    own = f'<{tag} name="s" toName="i" {attributes}>{LABELS if tag == "VectorLabels" else ""}</{tag}>'
    pair = "" if tag == "VectorLabels" else f'<Labels name="l" toName="i">{LABELS}</Labels>'
    return f'<View><Image name="i" value="$image"/>{own}{pair}</View>'


@pytest.mark.parametrize("text", ["", "a,", "a, a", "a, b: c", "a: b, b", "a: a", ",a", "a, : a"])
def test_points_that_make_no_skeleton(text: str) -> None:
    with pytest.raises(LabelingConfigError, match="Expected different names"):
        points_of(text, "VectorLabels 's'")


def test_points_hang_on_the_one_before_or_on_the_one_named() -> None:
    assert points_of("a", "t") == (("a",), ("",))
    assert points_of(" a, b ,c d: a,e", "t") == (("a", "b", "c d", "e"), ("", "a", "a", "c d"))
    assert points_of(EXAMPLE.split('"')[1], "t")[1] == ("", "nose", "neck", "neck")


@pytest.mark.parametrize("tag", ["VectorLabels", "Vector"])
def test_a_skeleton_is_boxes_and_the_points_in_them(tag: str) -> None:
    boxes, points = parse(config('skeleton="True" model_points="a, b"', tag)).controls
    assert (boxes.head, boxes.labels, boxes.drawn_with) == (Head.DETECTION, ("fly", "wasp"), "s")
    assert (points.head, points.labels, points.linked_to) == (Head.POSE, ("a", "b"), ("", "a"))
    assert (points.from_name, points.parent) == ("s", boxes.from_name)
    assert boxes.labels_from == points.labels_from == (None if tag == "VectorLabels" else "l")
    assert control_fingerprint(boxes) != control_fingerprint(points)


@pytest.mark.parametrize(
    ("attributes", "said"),
    [
        ('skeleton="true"', "a skeleton needs names of its points: model_points="),
        ("", "lines are not supported"),
        ('skeleton="false" model_points="a"', "lines are not supported"),
        ('skeleton="true" model_points="a" model_skip="true"', "left out by model_skip"),
    ],
)
def test_vectors_that_cannot_be_learnt(attributes: str, said: str) -> None:
    found = parse(config(attributes))
    assert found.controls == ()
    assert said in found.unsupported[0]


def test_a_closable_one_is_a_polygon() -> None:
    [control] = parse(config('closable="true"')).controls
    assert (control.head, control.parent, control.drawn_with) == (Head.SEGMENTATION, None, None)
