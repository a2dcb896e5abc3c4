"""The laws of composition, on made-up models."""

import copy
import pickle
import tempfile
from dataclasses import replace
from functools import reduce
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from backend.objects.abstain import abstain
from backend.objects.asked import inferred
from backend.objects.chain import Step
from backend.objects.files import load
from backend.objects.micro_model import MicroModel
from backend.objects.model import Model
from backend.objects.routing import by_group, by_time
from backend.objects.track import track
from backend.objects.whole import whole
from tests.objects.made import boxes, classes, frame, in_any_order, micro_model, points

LABELS = ("cat", "dog", "hen", "owl")
rows = st.tuples(st.integers(0, 30), st.integers(0, 30), st.sampled_from([0.2, 0.5, 0.9]), st.integers(0, 1))


@st.composite
def micro_models(draw: st.DrawFn) -> MicroModel:
    labels = draw(st.lists(st.sampled_from(LABELS), min_size=2, max_size=2, unique=True))
    return boxes(labels, draw(st.lists(rows, max_size=3)), draw(st.sampled_from("abc")))


@st.composite
def wholes(draw: st.DrawFn) -> Model:
    """What a labeling config may ask for."""
    found = {"label": draw(micro_models()), "other": draw(micro_models()), "hands": points("nose", "tail")}
    found["kind"] = micro_model("classification", ["up", "down"], parented=True)
    first, *others = inferred(found)
    return whole([replace(first, score_threshold=draw(st.sampled_from([None, 0.4]))), *others], found)


@st.composite
def steps(draw: st.DrawFn) -> Step:
    return draw(st.sampled_from([points("nose", "tail").inside(), classes("calm", "wild").crops("mood"), track()]))


def composed(inner: st.SearchStrategy[Model]) -> st.SearchStrategy[Model]:
    return st.one_of(
        st.tuples(inner, inner).map(lambda pair: pair[0] | pair[1]),
        st.tuples(inner, steps()).map(lambda pair: pair[0] >> pair[1]),
        st.tuples(inner, st.floats(0, 1)).map(lambda pair: pair[0].above(pair[1])),
        st.tuples(inner, st.data()).map(lambda pair: some_labels(*pair)),
        st.tuples(inner, inner).map(lambda pair: by_group({"x": pair[0]}, pair[1])),
        st.tuples(inner, inner).map(lambda pair: by_time({(0, 1): pair[0], (2, None): pair[1]})),
    )


def some_labels(model: Model, data: st.DataObject) -> Model:
    return (
        model.only(*data.draw(st.lists(st.sampled_from(model.labels), min_size=1, unique=True)))
        if model.labels
        else model
    )


models = st.recursive(st.one_of(micro_models(), wholes()), composed, max_leaves=5)
PICTURE = frame(100)


@given(models, models, models)
def test_union_is_associative_and_commutative_up_to_order(a: Model, b: Model, c: Model) -> None:
    assert (a | b) | c == a | (b | c)
    assert in_any_order((a | b)(PICTURE)) == in_any_order((b | a)(PICTURE))


@given(models)
def test_a_model_beside_itself_or_beside_nothing_is_itself(a: Model) -> None:
    assert a | a == a | abstain == abstain | a == a


@given(models, st.data())
def test_only_is_idempotent_and_meets(a: Model, data: st.DataObject) -> None:
    wanted = data.draw(st.lists(st.sampled_from(a.labels), min_size=1, unique=True))
    once = a.only(*wanted)
    assert once.only(*wanted) == once
    assert set(once.labels) == set(wanted)
    assert set(once(PICTURE).label) <= set(wanted)
    assert a.only(*reversed(a.labels)) == a
    assert once.only(wanted[0]) == a.only(wanted[0])


@given(models, steps(), steps())
def test_chains_are_associative(a: Model, first: Step, second: Step) -> None:
    assert (a >> first) >> second == a >> (first >> second)
    assert ((a >> first) >> second)(PICTURE) == (a >> (first >> second))(PICTURE)


@given(steps(), steps(), steps())
def test_steps_are_associative(a: Step, b: Step, c: Step) -> None:
    assert (a >> b) >> c == a >> (b >> c)


@given(models, st.floats(0, 1), st.floats(0, 1))
def test_of_two_scores_the_higher_one_counts(a: Model, low: float, high: float) -> None:
    assert a.above(low).above(high) == a.above(max(low, high))
    assert (a.above(low)(PICTURE).score >= low).all()


@settings(suppress_health_check=[HealthCheck.too_slow])
@given(models)
def test_what_is_saved_is_loaded(a: Model) -> None:
    with tempfile.TemporaryDirectory() as folder:
        a.save(Path(folder) / "a.mm")
        b = load(Path(folder) / "a.mm")
    assert (a, hash(a), repr(a), a.labels, a.heads) == (b, hash(b), repr(b), b.labels, b.heads)
    assert a(PICTURE) == b(PICTURE)


@given(models)
def test_a_copy_is_equal(a: Model) -> None:
    a(PICTURE)
    assert pickle.loads(pickle.dumps(a)) == copy.deepcopy(a) == a


@given(models, st.lists(st.integers(0, 255), max_size=4))
def test_a_batch_says_what_single_calls_say(a: Model, brightness: list[int]) -> None:
    frames = [frame(one) for one in brightness]
    assert list(a.label(frames, group="x")) == [a(one, number=n, group="x") for n, one in enumerate(frames)]


@given(st.lists(models, min_size=2, max_size=4))
def test_models_differ_where_they_are_made_differently(some: list[Model]) -> None:
    assert len({one.digest for one in some}) == len({repr(tree(one)) for one in some})
    united = reduce(lambda a, b: a | b, some)
    assert len(united(PICTURE)) <= sum(len(one(PICTURE)) for one in some)


def tree(model: object) -> object:
    """All that a model is, told apart without its digest."""
    if isinstance(model, MicroModel):
        return dict(model.weights.metadata), model.weights.arrays["boxes"].tolist(), dict(model.settings)
    return type(model), dict(model.settings), [tree(part) for part in model.parts]  # type: ignore[attr-defined]


def test_a_micro_model_cannot_be_changed() -> None:
    arrays = np.zeros((1, 4), np.float32)
    a = boxes(["cat"], arrays)
    before = a.digest
    arrays[:] = 1
    with pytest.raises(ValueError, match="read-only"):
        a.weights.arrays["boxes"][:] = 1
    with pytest.raises(TypeError):
        a.weights.metadata["head"] = "pose"  # type: ignore[index]
    assert boxes(["cat"], np.zeros((1, 4), np.float32)).digest == before
