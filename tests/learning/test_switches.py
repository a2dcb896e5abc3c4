"""Each mechanism on trial can be switched off, and then it does nothing; what is trained by default has them all."""

import dataclasses
import json
from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
import torch

from backend.learning import methods
from backend.learning.detection import decision, training
from backend.learning.detection.config import DetectionConfig
from backend.learning.detection.head import BACKGROUND_TENSOR
from backend.learning.detection.plan import plan
from backend.learning.geometry.background import UNKNOWN_VALUE
from backend.learning.pose import micro_model as pose_model
from backend.learning.segmentation import distractors, outlines, presence_prior
from backend.types import Frame, Instance, LabeledFrame, Weights
from tests.learning.cases import CASES, Case
from tests.learning.detection.test_decision import _labeled, _seen

MECHANISMS = [(name, switch) for name, case in CASES.items() for switch in case.method.switches]
LABELED = [_labeled(20.0 + i, 30) for i in range(5)]


def off(case: Case, switch: str, **changes: Any) -> Any:
    return case.method.ablations(dataclasses.replace(case.quick, **changes))[switch]


def config(switch: str | None = None, labeled: Sequence[LabeledFrame] = LABELED) -> DetectionConfig:
    case = CASES["boxes"]
    return plan(labeled, ("a", "b"), off(case, switch) if switch else case.quick)


@pytest.mark.parametrize(("name", "switch"), MECHANISMS)
def test_by_default_it_is_on_and_off_is_another_value_of_one_field(name: str, switch: str) -> None:
    method, recipe = CASES[name].method, type(CASES[name].quick)()
    [(field, value)] = method.switches[switch].items()
    assert getattr(recipe, field) != value
    assert dataclasses.asdict(method.ablations(recipe)[switch]) == {**dataclasses.asdict(recipe), field: value}


@pytest.mark.parametrize("name", ["boxes", "masks", "points", "points in boxes"])
def test_an_artifact_of_before_there_were_switches_has_them_on(name: str) -> None:
    case = CASES[name]
    weights = case.trained(unlabeled=()).weights
    fields = json.loads(weights.metadata["blueprint"])
    switches = {field for values in case.method.switches.values() for field in values}
    measured = {"views", "levels", "background"}
    older = {key: value for key, value in fields.items() if key not in switches - measured}
    assert older.keys() < fields.keys()
    before = Weights(weights.arrays, {**weights.metadata, "blueprint": json.dumps(older)})
    labeled, others = case.split()
    frames, boxes = [one.frame for one in others], case.boxes(others)
    found = [methods.load(one, "cpu").predict(frames, labeled, boxes) for one in (weights, before)]
    assert found[0] == found[1]


# -- boxes


def test_linking() -> None:
    labeled = [_labeled(20.0, 30), _labeled(21.0), _labeled(22.0)]
    frames = [_seen(i, float(i), (10 + i, 0.9 if i != 4 else 0.1)) for i in range(9)]
    on, alone = (decision.decide(frames, labeled, config(name, labeled)) for name in (None, "linking in time"))
    assert [len(one.by_label[0].boxes) for one in on] == [1] * 9
    assert [len(one.by_label[0].boxes) for one in alone] == [1, 1, 1, 1, 0, 1, 1, 1, 1]


def test_smoothing() -> None:
    xs = [10 + i + 1.5 * (-1) ** i for i in range(12)]
    frames = [_seen(i, float(i), (x, 0.9)) for i, x in enumerate(xs)]
    on, rough = (decision.decide(frames, LABELED, config(name)) for name in (None, "trajectory smoothing"))
    assert [one.by_label[0].boxes[0, 0] for one in rough] == pytest.approx(xs)
    assert [one.by_label[0].boxes[0, 0] for one in on] != pytest.approx(xs)


def test_count_prior() -> None:
    frames = [_seen(1, None, (10, 0.9), (200, 0.3)), _seen(2, None)]
    on, free = (decision.decide(frames, [], config(name)) for name in (None, "count prior"))
    assert [len(one.by_label[0].boxes) for one in (*on, *free)] == [1, 0, 2, 0]
    assert on[1].nothing_missed < on[0].nothing_missed == free[0].nothing_missed == free[1].nothing_missed == 1.0


def test_calibration() -> None:
    frames = [_seen(1, None, (10, 0.9))]
    labels = ("a", "b")
    [on], [raw] = (
        decision.predictions(decision.decide(frames, [], config(name)), labels) for name in (None, "calibration")
    )
    assert raw.instances[0].score == pytest.approx(0.9)
    assert on.instances[0].score > 0.9


def test_mining(monkeypatch: pytest.MonkeyPatch) -> None:
    case, asked = CASES["boxes"], list[int]()
    monkeypatch.setattr(training, "mine", lambda network, pictures, rng: (asked.append(1), pictures)[1])
    case.trained(off(case, "hard example mining"))
    assert not asked
    case.trained(case.quick)
    assert asked


def test_weights_of_accepted_boxes() -> None:
    case, image = CASES["boxes"], np.zeros((40, 40, 3), np.uint8)
    instances = (Instance("a", (1, 1, 9, 9)), Instance("a", (20, 20, 30, 30), accepted=True))
    frame = LabeledFrame(Frame(1, image, 40, 40), instances)
    for recipe, weight in ((case.quick, 0.3), (off(case, "weights of accepted labels"), 1.0)):
        maker = training.PictureMaker(config(), None, torch.device("cpu"), recipe.inexact_box_weight)
        picture = maker.picture(frame)
        assert picture.outlines.tolist() == pytest.approx([1.0, weight])


# -- what the unlabelled frames tell


def test_background_subtraction() -> None:
    case = CASES["boxes"]
    still = case.given(count=24)
    on, out = (case.method.train(still, recipe).weights for recipe in (case.quick, off(case, "background subtraction")))
    assert DetectionConfig.from_metadata(on.metadata).background is not None
    assert BACKGROUND_TENSOR in on.arrays
    assert DetectionConfig.from_metadata(out.metadata).background is None
    assert BACKGROUND_TENSOR not in out.arrays


@pytest.mark.parametrize("name", ["boxes", "masks"])
def test_contrast_stretching(name: str) -> None:
    case = CASES[name]
    given = case.given()
    dark = dataclasses.replace(given, labeled=[_darkened(one) for one in given.labeled], unlabeled=())
    on, out = (case.method.train(dark, recipe).weights for recipe in (case.quick, off(case, "contrast stretching")))
    assert json.loads(on.metadata["blueprint"])["levels"][1] < 80
    assert json.loads(out.metadata["blueprint"])["levels"] == [0, 255]


def _darkened(labeled: LabeledFrame) -> LabeledFrame:
    frame = dataclasses.replace(labeled.frame, image=labeled.frame.image // 4)
    return dataclasses.replace(labeled, frame=frame)


# -- masks


@pytest.fixture(scope="module")
def masks() -> dict[str | None, Any]:
    """Models of the same weights, with each mechanism off and with none."""
    case = CASES["masks"]
    weights = case.trained(unlabeled=()).weights
    fields = json.loads(weights.metadata["blueprint"])
    values = {name: off for name, off in case.method.switches.items() if off.keys() <= fields.keys()}
    return {
        name: methods.load(
            Weights(weights.arrays, {**weights.metadata, "blueprint": json.dumps({**fields, **change})}), "cpu"
        )
        for name, change in {None: {}, **values}.items()
    }


def test_what_agrees_in_time(masks: dict[str | None, Any]) -> None:
    labeled, others = CASES["masks"].split(6)
    for look, odds in masks["linking in time"].see([one.frame for one in others], labeled):
        assert np.array_equal(look.odds, odds)
    assert any(
        not np.array_equal(look.odds, odds) for look, odds in masks[None].see([o.frame for o in others], labeled)
    )


@pytest.mark.parametrize(
    ("switch", "room", "name"),
    [
        ("presence prior", presence_prior, "penalty"),
        ("distractor suppression", distractors, "suppress_distractors"),
        ("own outlines", outlines, "keep_own_outlines"),
    ],
)
def test_what_is_asked_only_where_it_is_on(
    masks: dict[str | None, Any], switch: str, room: Any, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked, real = list[int](), getattr(room, name)
    monkeypatch.setattr(room, name, lambda *arguments: (asked.append(1), real(*arguments))[1])
    labeled, others = CASES["masks"].split(4)
    frames = [one.frame for one in others]
    masks[switch].predict(frames, labeled)
    assert not asked
    masks[None].predict(frames, labeled)
    assert asked


# -- points


def test_skeleton_and_views(monkeypatch: pytest.MonkeyPatch) -> None:
    case, asked, real = CASES["points in boxes"], list[int](), pose_model.consistent_candidates
    monkeypatch.setattr(pose_model, "consistent_candidates", lambda *arguments: (asked.append(1), real(*arguments))[1])
    [frame, *_] = case.split()[1]
    boxes = case.boxes([frame])
    for switch, expected in (("skeleton", 0), ("test-time views", 1)):
        model = methods.load(case.trained(off(case, switch), unlabeled=()).weights, "cpu")
        asked.clear()
        model.predict([frame.frame], (), boxes)
        assert len(asked) == expected
    assert model.config.views == 1  # type: ignore[attr-defined]


# -- classes


def test_unlabelled_frames_of_classes() -> None:
    case = CASES["classes"]
    known = [case.trained(r).metrics["frames"] for r in (case.quick, off(case, "unlabelled frames"))]
    assert known == [4.0, 2.0]


def test_weights_of_accepted_classes() -> None:
    case = CASES["classes"]
    labeled, _ = case.split(8)
    accepted = [dataclasses.replace(labeled[0], weight=0.4), *labeled[1:]]
    layers = [case.trained(labeled=frames).weights.arrays["weights"] for frames in (labeled, accepted)]
    assert not np.allclose(*layers)


@pytest.mark.parametrize("name", CASES)
def test_what_changes_answers_only_is_in_the_artifact_under_the_same_name(name: str) -> None:
    case = CASES[name]
    trained = case.trained().weights
    assert case.method.inference_switches <= case.method.switches.keys()
    for mechanism in case.method.inference_switches:
        again = case.trained(off(case, mechanism)).weights
        changed = json.loads(trained.metadata["blueprint"]) | case.method.switches[mechanism]
        assert json.loads(again.metadata["blueprint"]) == changed
        assert all(np.array_equal(array, trained.arrays[key]) for key, array in again.arrays.items())


def test_the_background_of_one_group_is_unknown_in_another() -> None:
    case = CASES["boxes"]
    weights = case.method.for_other_group(case.method.train(case.given(count=24), case.quick).weights)
    assert (weights.arrays[BACKGROUND_TENSOR] == UNKNOWN_VALUE).all()
    model = methods.load(weights, "cpu")
    frame = case.clip(1)[0].frame
    seen = model.network.input_of(torch.from_numpy(frame.image).permute(2, 0, 1))  # type: ignore[attr-defined]
    assert (seen[3:] == 0).all()
    assert all(0 <= one.score <= 1 for one in model.predict([frame]))
