import numpy as np

from backend.learning import catalogue
from backend.loop.judging import Judge
from backend.loop.lesson import Lesson
from backend.types import Control, Head, LabeledFrame
from tests.learning.synthetic import clip

LABELED = tuple(clip(9).frames[::3])


def test_labelled_frames_are_looked_at_each_by_itself() -> None:
    assert all(one.frame.order is not None for one in LABELED)
    control = Control("label", "image", "RectangleLabels", Head.DETECTION, ("disc", "square"), "image")
    lesson = Lesson(control, LABELED, (), {}, (), frozenset(), frozenset(), {}, ())
    recipe = catalogue.recipe_for(control, "tf_efficientnet_lite0", 0.06)
    weights = catalogue.train(
        LABELED, (), control.labels, recipe, start=None, device="cpu", seed=0, progress=lambda _: None
    ).weights
    together = Judge(lesson, None, "cpu").look(weights)
    for one, found in zip(LABELED, together, strict=True):
        [alone] = Judge(_only(lesson, one), None, "cpu").look(weights)
        assert [i.label for i in alone.instances] == [i.label for i in found.instances]
        assert np.allclose([i.box for i in alone.instances], [i.box for i in found.instances])


def _only(lesson: Lesson, one: LabeledFrame) -> Lesson:
    return Lesson(lesson.control, (one,), (), {}, (), frozenset(), frozenset(), {}, ())
