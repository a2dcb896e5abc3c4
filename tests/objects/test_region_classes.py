"""Classes of regions, from objects with an attribute to a chain that tells it."""

import pytest

from backend.errors import TrainingError
from backend.instances import Instances
from backend.learning import methods
from backend.objects import micro_model
from backend.objects.fitting import fit
from backend.objects.frames import input_frame
from backend.objects.truth import classes_of
from tests.learning.attributes.crowd import crowd


def test_what_people_said_of_each_object_is_learnt_and_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(micro_model, "load", methods.load)  # no made-up one
    frames = crowd(16)
    drawn = [Instances([o.box for o in one.instances], ["thing"] * len(one.instances),
                       attributes=[{"look": o.label} for o in one.instances]) for one in frames]  # fmt: skip
    model = fit([one.frame for one in frames[:5]], drawn[:5], attribute="look")
    assert (model.labels, model.hangs_on_boxes, model.card.control) == (("plain", "striped"), True, "look")
    right = []
    for one, boxes in zip(frames[5:], drawn[5:], strict=True):
        given = [boxes[n : n + 1] for n in range(len(boxes))]
        told = model.answers([input_frame(one.frame)] * len(given), given)
        right += [a.found.label.tolist() == [o.label] for a, o in zip(told, one.instances, strict=True)]
    assert sum(right) >= 0.9 * len(right)


def test_objects_without_the_attribute_are_no_examples() -> None:
    some = Instances([(0, 0, 4, 4), (4, 4, 9, 9)], ["thing", "thing"], attributes=[{"look": "plain"}, {}])
    assert (classes_of(some, "look").label.tolist(), len(classes_of(some, "mood"))) == (["plain"], 0)
    with pytest.raises(TrainingError):
        fit([crowd(1)[0].frame], [Instances()], attribute="look")
