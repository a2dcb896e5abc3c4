import numpy as np
import pytest

from backend.studio import tags
from backend.studio.labeling_config import parse
from backend.studio.regions.several import with_labels
from backend.types import Control, Instance


def control(choice: str, tag: str = "RectangleLabels") -> Control:
    labels = "".join(f'<Label value="{label}"/>' for label in ("car", "red", "blue"))
    view = f'<View><Image name="i" value="$i"/><{tag} name="l" toName="i" choice="{choice}">{labels}</{tag}></View>'
    return parse(view).controls[0]


def square(label: str, x: float, score: float, region: str | None = None) -> Instance:
    return Instance(label, (x, 10.0, x + 20, 30.0), score, region)


ONE_CAR = [square("red", 11, 0.6, "b"), square("car", 10, 0.9, "a"), square("blue", 60, 0.8, "c")]


def test_instances_of_several_labels_that_lie_on_each_other_are_one_region() -> None:
    found = list(with_labels(ONE_CAR, control("multiple")))
    assert [(one.region_id, labels, one.score) for one, labels in found] == [
        ("a", ["car", "red"], 0.6),
        ("c", ["blue"], 0.8),
    ]


def test_where_a_region_has_one_label_nothing_is_joined() -> None:
    assert [labels for _, labels in with_labels(ONE_CAR, control("single"))] == [["red"], ["car"], ["blue"]]


def test_two_objects_of_one_label_stay_two() -> None:
    twins = [square("car", 10, 0.9), square("car", 11, 0.8), square("red", 10, 0.7)]
    assert [labels for _, labels in with_labels(twins, control("multiple"))] == [["car", "red"], ["car"]]


def test_masks_are_compared_by_what_they_cover() -> None:
    left, right = np.zeros((40, 40), bool), np.zeros((40, 40), bool)
    left[:20, :], right[20:, :] = True, True
    box = (0.0, 0.0, 40.0, 40.0)
    apart = [Instance("car", box, 0.9, mask=left), Instance("red", box, 0.8, mask=right)]
    assert len(list(with_labels(apart, control("multiple", "PolygonLabels")))) == 2
    together = [Instance("car", box, 0.9, mask=left), Instance("red", box, 0.8, mask=left)]
    assert len(list(with_labels(together, control("multiple", "PolygonLabels")))) == 1


@pytest.mark.parametrize("tag", ["RectangleLabels", "PolygonLabels", "EllipseLabels"])
def test_a_region_with_two_labels_comes_back_as_one(tag: str) -> None:
    chosen, converter = control("multiple", tag), tags.for_control(control("multiple", tag))
    mask = np.zeros((50, 100), bool)
    mask[10:30, 20:60] = True
    drawn = [Instance(label, (20.0, 10.0, 60.0, 30.0), 1.0, "r", mask=mask) for label in ("car", "red")]
    [item] = converter.write(drawn, chosen, (100, 50))
    assert item["value"][tag.lower()] == ["car", "red"]
    again = converter.read([item], chosen, (100, 50)).instances
    assert [one.label for one in again] == ["car", "red"]
    assert len({one.region_id for one in again}) == 1
