from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.errors import TrainingError
from backend.learning import methods
from backend.learning.detection.recipe import DetectionRecipe
from backend.learning.fitting.training_input import TrainingInput
from backend.loop.data.frames import FrameStore
from backend.loop.data.project_news import started_from
from backend.loop.train.initialization import (
    MAX_DISTANCE,
    NEAREST_GROUPS,
    Neighbour,
    feature_distance,
    held_out_score,
    is_poor,
    ranked_sources,
    transfer_candidates,
)
from backend.types import Control, Start, Weights
from model_registry import ArtifactRef, VersionRecord, VersionState
from tests.loop.house import House, box_of, teach

TWIN = 36
"""Tasks so far apart show the same picture."""


def version(id: int = 1, previous: int | None = None, labels: int = 5, **metrics: Any) -> VersionRecord:
    return VersionRecord(
        id=id, project=1, group="g", control="label", head="detection", number=id, state=VersionState.SERVING,
        previous=previous, start="backbone", label_revision=1, labels=labels, fingerprint="f",
        metrics={name: {"score": score} for name, score in metrics.items()}, recipe={}, artifact=ArtifactRef("u", "s", 1),
        reason=None, seconds=1.0, created_at=1.0, finished_at=2.0,
    )  # fmt: skip


@pytest.fixture
def begun(monkeypatch: pytest.MonkeyPatch) -> list[str | None]:
    """The kinds of start of the groups' trainings, in order."""
    found: list[str | None] = []

    def train(control: Control, given: TrainingInput, recipe: object) -> Any:
        if given.unlabeled != ():  # the project's parent has no unlabelled frames
            found.append(given.start.metadata["start"] if given.start else None)
        return teach(control, given, recipe)

    monkeypatch.setattr(methods, "train", train)
    return found


@pytest.fixture
def house(quick: None, tmp_path: Path, begun: list[str | None]) -> House:
    made = House(tmp_path, proposals=False)
    made.add_project()
    return made


def add_clip(house: House, name: str, first: int, label: int = 0, count: int = 6, **fields: Any) -> None:
    """A group of frames; the first `label` of them are labelled and learnt."""
    for task in range(first, first + count):
        house.add_task(task, video=name, **fields)
    for task in range(first, first + label):
        house.label(task)
    house.work()


def dark(shade: int) -> bytes:
    """A picture that looks like nothing else."""
    from io import BytesIO

    from PIL import Image

    file = BytesIO()
    Image.fromarray(np.full((48, 64, 3), shade, np.uint8)).save(file, "PNG")
    return file.getvalue()


def serving(house: House, group: str, project: int = 1) -> VersionRecord:
    return house.registry.versions.serving(project, group)["label"]


# -- the decision


def test_the_ladder_has_the_nearest_first_and_leaves_out_what_is_far_or_poor() -> None:
    own, near, nearer, far, poor, parent = (version(n) for n in range(1, 7))
    neighbours = [
        Neighbour(far, MAX_DISTANCE + 0.1),
        Neighbour(near, 0.9),
        Neighbour(poor, 0.1, poor=True),
        Neighbour(nearer, 0.3),
    ]
    assert ranked_sources(own, neighbours, parent) == [
        (Start.SERVING, own), (Start.SIBLING, nearer), (Start.SIBLING, near), (Start.PROJECT, parent),
    ]  # fmt: skip
    assert ranked_sources(None, [Neighbour(far, float("inf"))], None) == []
    assert len(ranked_sources(None, [Neighbour(near, 0.9)] * (NEAREST_GROUPS + 1), None)) == NEAREST_GROUPS
    assert ranked_sources(None, [], parent) == [(Start.PROJECT, parent)]


shots = st.lists(st.lists(st.floats(-10, 10, width=32), min_size=3, max_size=3), min_size=1, max_size=5)


@given(shots, shots)
def test_groups_are_equally_far_from_each_other_and_nothing_is_far_from_itself(
    one: list[Any], other: list[Any]
) -> None:
    a, b = np.array(one, np.float32), np.array(other, np.float32)
    assert feature_distance(a, b) == feature_distance(b, a) >= 0
    assert feature_distance(a, a) == 0


def test_groups_of_one_picture_each_and_of_another_backbone() -> None:
    one, other = np.zeros((1, 3), np.float32), np.ones((1, 3), np.float32)
    assert feature_distance(one, one) == 0
    assert feature_distance(one, other) == float("inf")
    assert feature_distance(one, np.zeros((2, 4), np.float32)) == float("inf")


def test_the_honest_score_is_its_own_else_that_of_one_that_knew_hardly_less() -> None:
    first, second = version(1, labels=3), version(2, previous=1, labels=5, unseen=0.4)
    assert held_out_score(second, [second, first]) == 0.4
    assert held_out_score(second, [second, replace(first, labels=1)]) is None
    later = version(3, previous=2, labels=9, unseen=0.9)
    assert held_out_score(second, [later, second, first]) == 0.9
    assert held_out_score(first, [first]) is None


@pytest.mark.parametrize(
    ("metrics", "poor"),
    [({}, False), ({"labelled": 0.9}, False), ({"labelled": 0.3}, True), ({"labelled": 0.5}, False)],
)
def test_poor_is_what_is_known_to_be(metrics: dict[str, float], poor: bool) -> None:
    one = version(1, **metrics)
    assert is_poor(one, [one]) is poor
    assert is_poor(one, [version(2, previous=1, unseen=0.1), one])


# -- the edge


def test_a_group_starts_from_its_nearest_sibling_and_says_so(house: House, begun: list[str | None]) -> None:
    add_clip(house, "a", 1, label=2)
    add_clip(house, "b", 1 + TWIN, label=2)
    assert begun == [None, "sibling"]
    mine, other = serving(house, "b"), serving(house, "a")
    assert (other.start, other.previous) == ("backbone", None)
    assert (mine.start, mine.previous) == ("sibling", other.id)
    assert started_from(mine, other) == "sibling: a v1"
    assert mine.metrics["unseen"] is None
    house.label(3 + TWIN)
    house.work()
    assert begun[2:] == ["sibling"]  # boxes begin anew each time
    later = serving(house, "b")
    assert (later.start, later.previous) == ("sibling", mine.id)
    assert started_from(later, mine) == "sibling"
    assert later.metrics["unseen"] is not None  # judged against the version that served before


def test_what_does_not_begin_anew_goes_on_from_the_version_that_serves(
    house: House, begun: list[str | None], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(methods, "recipe_for", lambda *_: replace(DetectionRecipe(), anew=False))
    add_clip(house, "a", 1, label=2)
    before = serving(house, "a")
    house.label(3)
    house.work()
    assert begun == [None, "serving"]
    assert (serving(house, "a").start, serving(house, "a").previous) == ("serving", before.id)
    assert started_from(serving(house, "a"), before) == "serving v1"


def test_frames_that_were_never_looked_at_are_looked_at(house: House, begun: list[str | None]) -> None:
    add_clip(house, "a", 1, label=2)
    add_clip(house, "b", 1 + TWIN)
    assert not house.registry.features.of(1, {task: f"tf_efficientnet_lite0 {d}" for task, d in [(1 + TWIN, "x")]})
    add_clip(house, "b", 20 + TWIN, label=1, count=1)
    assert begun == [None, "sibling"]


def test_of_what_looks_like_nothing_else_only_the_project_helps(house: House, begun: list[str | None]) -> None:
    add_clip(house, "a", 1, label=2)
    for task in range(50, 54):
        house.add_task(task, video="night", image=dark(5))
    house.label(50, [])
    house.work()
    assert begun == [None, "project"]
    assert serving(house, "night").previous == serving(house, "a").id


def test_a_poor_sibling_is_no_start(house: House, begun: list[str | None], monkeypatch: pytest.MonkeyPatch) -> None:
    evaluate = methods.evaluate
    monkeypatch.setattr(methods, "evaluate", lambda *a: replace(evaluate(*a), score=0.2))
    add_clip(house, "a", 1, label=2)
    add_clip(house, "b", 1 + TWIN, label=2)
    assert begun == [None, None]
    assert serving(house, "b").start == "backbone"


def test_a_sibling_that_means_something_else_helps_as_the_projects_parent_does(
    house: House, begun: list[str | None]
) -> None:
    add_clip(house, "a", 1, label=2)
    add_clip(house, "b", 1 + TWIN)
    for task in (1 + TWIN, 2 + TWIN):
        house.label(task, box_of(task + 9))
    house.work()
    assert begun == [None, "project"]
    assert (serving(house, "b").start, serving(house, "b").previous) == ("project", serving(house, "a").id)


def test_a_sibling_of_an_older_format_does_not_suit(
    house: House, begun: list[str | None], monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(weights: Weights) -> Weights:
        raise TrainingError("of another version")

    add_clip(house, "a", 1, label=2)
    monkeypatch.setattr(methods, "for_other_group", refuse)
    add_clip(house, "b", 1 + TWIN, label=2)
    assert begun == [None, "project"]


def test_groups_of_equal_names_in_other_projects_are_strangers(house: House, begun: list[str | None]) -> None:
    house.add_project(2)
    add_clip(house, "a", 1, label=2)
    add_clip(house, "a", 1 + TWIN, label=2, project=2)
    add_clip(house, "b", 101 + TWIN, project=2)
    assert begun == [None, None]


def test_other_controls_labels_and_backbones_are_no_starts(house: House) -> None:
    add_clip(house, "a", 1, label=2)
    add_clip(house, "b", 1 + TWIN)
    project = house.registry.projects.seen(1)
    frames = FrameStore(house.services.media(project), 10)
    [control] = house.services.config(project).require()

    def kinds(control: Any = control, services: Any = house.services) -> list[Start]:
        return [kind for kind, _ in transfer_candidates(services, project, "b", control, frames)]

    assert kinds() == [Start.SIBLING, Start.PROJECT]
    assert kinds(replace(control, from_name="other")) == []
    assert kinds(replace(control, labels=("other",))) == []
    settings = house.settings.model_copy(update={"backbone": "resnet18"})
    assert kinds(services=replace(house.services, settings=settings)) == []
    assert transfer_candidates(house.services, project, "a", control, frames) == []


def test_a_start_whose_weights_are_gone_is_passed_over(house: House, begun: list[str | None]) -> None:
    add_clip(house, "a", 1, label=2)
    for path in Path(house.settings.artifacts).rglob("*.safetensors"):
        path.unlink()
    add_clip(house, "b", 1 + TWIN, label=2)
    # The group whose weights they were is trained again, with the help of the one that now knows something.
    assert begun == [None, None, "sibling"]
    assert serving(house, "b").start == "backbone"
    assert [str(v.state) for v in house.registry.versions.history(1, "a")] == ["serving", "damaged"]


def test_a_poisoned_start_does_not_keep_a_group_from_learning(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    def train(control: Control, given: TrainingInput, recipe: object) -> Any:
        if given.start is not None and given.start.metadata["start"] == "sibling":
            raise TrainingError("The loss became nan")
        return teach(control, given, recipe)

    monkeypatch.setattr(methods, "train", train)
    add_clip(house, "a", 1, label=2)
    add_clip(house, "b", 1 + TWIN, label=2)
    history = house.registry.versions.history(1, "b")
    assert [(v.start, str(v.state)) for v in history] == [("backbone", "serving"), ("sibling", "failed")]
    group = house.registry.groups.get(1, "b")
    assert group is not None
    assert (group.state(house.now), group.reason) == ("idle", None)


def test_a_group_whose_labels_are_gone_keeps_its_version_and_others_may_start_from_it(
    house: House, begun: list[str | None]
) -> None:
    add_clip(house, "a", 1)
    number = house.label(1)
    house.work()
    house.send("ANNOTATIONS_DELETED", annotations=[{"id": number}])
    house.now += 30
    house.work()
    add_clip(house, "b", 1 + TWIN, label=2)
    assert begun == [None, "sibling"]


def test_classes_are_compared_within_the_group_only(house: House, begun: list[str | None]) -> None:
    config = (
        '<View><Image name="image" value="$image"/><Choices name="label" toName="image" choice="single">'
        '<Choice value="x"/><Choice value="y"/></Choices></View>'
    )
    house.add_project(2, config)
    choice = {"from_name": "label", "to_name": "image", "type": "choices", "value": {"choices": ["x"]}, "id": "c"}
    for name, first in (("a", 1), ("b", 1 + TWIN)):
        for task in range(first, first + 3):
            house.add_task(task, 2, video=name)
        house.label(first, [choice])
        house.work()
    assert begun == [None, None]
    assert serving(house, "b", 2).start == "backbone"
