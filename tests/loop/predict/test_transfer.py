from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from backend.errors import StudioUnreachable, TrainingError
from backend.learning import methods
from backend.loop.pages.status import project_status
from backend.loop.predict import transfer
from backend.loop.predict.transfer import TRANSFER_SCORE_FACTOR, outdated
from backend.loop.worker import preemption
from model_registry import GroupRecord, LedgerEntry, VersionRecord
from model_registry.records import PROJECT_GROUP
from tests.loop.house import CONFIG, EyeForColour, House, box_of
from tests.loop.train.test_initialization import TWIN, add_clip, dark, serving, version


@pytest.fixture(autouse=True)
def often(monkeypatch: pytest.MonkeyPatch) -> None:
    """The worker looks whether it is needed at every frame; no parent is shipped."""
    monkeypatch.setattr(preemption, "LOOK_SECONDS", 0.0)


@pytest.fixture
def house(quick: None, tmp_path: Path) -> House:
    """Group a, whose six frames are known, and b with six that look alike and nobody labelled."""
    made = House(tmp_path)
    made.add_project()
    add_clip(made, "b", 1 + TWIN)
    add_clip(made, "a", 1, label=2)
    return made


def entry(house: House, task: int) -> LedgerEntry:
    return house.registry.ledger.latest(1, [task])[task]


def group(house: House, name: str = "b") -> GroupRecord:
    found = house.registry.groups.get(1, name)
    assert found is not None
    return found


def status(house: House, name: str = "b") -> dict[str, Any]:
    return next(g for g in project_status(house.services, 1)["groups"] if g["group"] == name)


def test_a_group_without_a_label_has_modest_predictions_by_another(house: House) -> None:
    tasks = range(1 + TWIN, 7 + TWIN)
    shown = house.shown()
    assert all(len(shown[task]) == 1 for task in tasks)
    assert all(item["result"] and 0 < item["score"] <= TRANSFER_SCORE_FACTOR for task in tasks for item in shown[task])
    assert {one["model_version"] for task in tasks for one in shown[task]} == {"micro-models"}
    assert entry(house, 1 + TWIN).versions == {"label": serving(house, "a").id}
    assert entry(house, 1 + TWIN).uncalibrated_score == pytest.approx(TRANSFER_SCORE_FACTOR * 0.9)
    told = status(house)
    assert (told["state"], told["labelled"], told["trained_labels"], told["version"]) == ("idle", 0, 0, None)
    assert told["proposed_by"] == "a v1"
    assert status(house, "a")["proposed_by"] is None
    assert [g["group"] for g in project_status(house.services, 1)["groups"]] == ["a", "b"]


def test_its_own_version_renews_them_in_place(house: House) -> None:
    before = set(house.studio.predictions)
    house.label(1 + TWIN)
    house.work()
    assert set(house.studio.predictions) == before
    assert all(len(items) == 1 for items in house.shown().values())
    assert house.shown()[2 + TWIN][0]["score"] > TRANSFER_SCORE_FACTOR
    assert entry(house, 2 + TWIN).versions == {"label": serving(house, "b").id}
    assert (status(house)["proposed_by"], status(house)["start"]) == (None, "sibling")


def test_they_are_reviewed_like_any_other(house: House) -> None:
    task = 1 + TWIN
    accepted = [dict(item) for item in house.shown()[task][0]["result"]]
    house.label(task, accepted, parent_prediction=1)
    house.work()
    [review] = house.registry.reviews.summaries(1, "b")
    assert (review.shown, review.actions, review.round) == (True, 0, 0)
    assert review.score == pytest.approx(TRANSFER_SCORE_FACTOR * 0.9)


def test_switched_off(quick: None, tmp_path: Path) -> None:
    house = House(tmp_path, proposals=False)
    house.add_project()
    add_clip(house, "b", 1 + TWIN)
    add_clip(house, "a", 1, label=2)
    assert set(house.shown()) == set(range(3, 7))
    assert house.registry.groups.pending(house.now) == []


def test_where_label_studio_cannot_be_reached_nothing_is_predicted_that_nobody_sees(
    quick: None, tmp_path: Path
) -> None:
    house = House(tmp_path)
    house.settings.label_studio_api_key = SecretStr("")
    house.add_project()
    add_clip(house, "b", 1 + TWIN)
    add_clip(house, "a", 1, label=2)
    assert house.registry.ledger.latest(1, range(100)).keys() == set(range(3, 7))


def test_they_are_made_again_when_much_more_was_learnt(house: House) -> None:
    first = entry(house, 1 + TWIN)
    house.label(3)
    house.work()
    assert entry(house, 1 + TWIN).versions == {"label": serving(house, "a").id} != first.versions
    house.label(4)
    house.work()
    assert entry(house, 1 + TWIN).versions != {"label": serving(house, "a").id}


def test_when_they_are_outdated() -> None:
    old = version(1, labels=4)
    assert not outdated([old], {"label": version(2, labels=5)})
    assert outdated([old], {"label": version(2, labels=6)})
    assert outdated([None], {"label": version(2, labels=4)})
    assert not outdated([old], {})


def test_new_tasks_of_a_group_without_a_label_get_theirs(house: House) -> None:
    house.add_task(20 + TWIN, video="b")
    assert group(house, PROJECT_GROUP).state(house.now) == "queued"
    house.work()
    assert len(house.shown()[20 + TWIN]) == 1
    assert all(len(items) == 1 for items in house.shown().values())


def test_a_labelled_group_does_not_wait_for_them(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    looked = EyeForColour.predict
    seen: list[int] = []

    def predict(self: EyeForColour, frames: Any, *rest: Any) -> Any:
        for frame in frames:
            if frame.task > 100:
                seen.append(frame.task)
                if len(seen) == 2:
                    house.label(3)  # of group a
        return looked(self, frames, *rest)

    monkeypatch.setattr(EyeForColour, "predict", predict)
    for task in range(101, 111):
        house.add_task(task, video="c")
    house.worker.run_group(1, PROJECT_GROUP)
    assert seen == [101, 102]
    assert group(house, "c").lease_owner is None
    assert group(house, PROJECT_GROUP).state(house.now) == "queued"
    assert not any(task > 100 for task in house.shown())
    house.work()
    assert group(house, "a").trained_labels == 3
    assert set(range(101, 111)) <= set(house.shown())


def test_a_label_in_the_group_itself_ends_them(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    push = transfer.push
    for task in range(101, 105):
        house.add_task(task, video="c")
    embed = transfer.embed_frames

    def labelled(*arguments: Any) -> None:
        embed(*arguments)
        house.label(101)

    monkeypatch.setattr(transfer, "embed_frames", labelled)
    monkeypatch.setattr(transfer, "push", lambda *a: pytest.fail("pushed over the group's own"))
    house.queue.groups.clear()
    house.worker.run_group(1, PROJECT_GROUP)
    assert (1, "c") in house.queue.groups
    monkeypatch.setattr(transfer, "embed_frames", embed)
    monkeypatch.setattr(transfer, "push", push)
    house.work()
    assert entry(house, 102).versions == {"label": serving(house, "c").id}
    assert {task: len(items) for task, items in house.shown().items() if task > 100} == {102: 1, 103: 1, 104: 1}


@pytest.mark.parametrize("moment", ["before", "after"])
def test_killed_while_proposing(house: House, monkeypatch: pytest.MonkeyPatch, moment: str) -> None:
    class Killed(BaseException):
        pass

    push = transfer.push

    def dies(*arguments: Any) -> None:
        if moment == "after":
            push(*arguments)
        raise Killed

    for task in range(101, 105):
        house.add_task(task, video="c")
    monkeypatch.setattr(transfer, "push", dies)
    with pytest.raises(Killed):
        house.worker.run_group(1, PROJECT_GROUP)
    monkeypatch.setattr(transfer, "push", push)
    house.work()
    assert {task: len(items) for task, items in house.shown().items() if task > 100} == dict.fromkeys(
        range(101, 105), 1
    )
    assert house.shown()[101][0]["result"] == entry(house, 101).result


def test_label_studio_being_away_is_tried_again_and_stops_no_group(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    push = transfer.push

    def away(*_: Any) -> None:
        raise StudioUnreachable("away")

    for task in range(101, 105):
        house.add_task(task, video="c")
    monkeypatch.setattr(transfer, "push", away)
    house.work()
    assert group(house, PROJECT_GROUP).state(house.now) == "failed"
    assert group(house, PROJECT_GROUP).reason == "proposals for c: away"
    house.label(3)
    house.work()
    assert group(house, "a").trained_labels == 3
    monkeypatch.setattr(transfer, "push", push)
    house.now += 3600
    house.work()
    assert len(house.shown()[101]) == 1


def test_a_version_that_cannot_be_loaded_proposes_nothing(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    load = methods.load

    def poisoned(weights: Any, device: str = "auto") -> Any:
        raise TrainingError("The weights lack a tensor")

    for task in range(101, 105):
        house.add_task(task, video="c")
    monkeypatch.setattr(methods, "load", poisoned)
    house.worker.run_group(1, PROJECT_GROUP)
    monkeypatch.setattr(methods, "load", load)
    assert status(house, "c")["state"] == "idle"
    assert not any(task > 100 for task in house.shown())


def test_where_the_best_weights_are_gone_their_group_is_trained_again_and_others_have_proposals(house: House) -> None:
    def proposed(name: str, first: int) -> VersionRecord:
        add_clip(house, name, first)
        assert all(len(house.shown()[task]) == 1 for task in range(first, first + 6))
        made = house.registry.versions.get(entry(house, first).versions["label"])
        assert made is not None
        return made

    add_clip(house, "z", 1 + 2 * TWIN, label=2)
    best = proposed("c", 1 + 3 * TWIN)
    assert best.artifact is not None
    Path(house.settings.artifacts, best.artifact.uri).unlink()
    after = proposed("d", 1 + 4 * TWIN)
    assert after.id != best.id
    damaged = house.registry.versions.get(best.id)
    assert damaged is not None
    assert (damaged.state, damaged.artifact) == ("damaged", None)
    assert serving(house, best.group).id > best.id


def test_a_changed_config_asks_for_others(house: House) -> None:
    before = entry(house, 1 + TWIN)
    config = CONFIG.replace('<Label value="disc"/>', '<Label value="ring"/>')
    house.studio.projects[1]["label_config"] = config
    house.send("PROJECT_UPDATED")
    from backend.loop.events.sweep import sweep_project

    sweep_project(house.services, 1)
    house.work()
    assert entry(house, 1 + TWIN).versions == {"label": serving(house, "a").id} != before.versions


def test_a_group_whose_labels_are_gone_has_its_own_version(house: House) -> None:
    number = house.label(1 + TWIN, box_of(1 + TWIN, "disc"))
    house.work()
    house.send("ANNOTATIONS_DELETED", annotations=[{"id": number}])
    house.now += 30
    house.work()
    assert group(house).labelled == 0
    assert status(house)["proposed_by"] is None
    assert entry(house, 2 + TWIN).versions == {"label": serving(house, "b").id}


def test_nothing_crosses_projects(house: House) -> None:
    house.add_project(2)
    add_clip(house, "a", 1001, project=2)
    add_clip(house, "b", 1101, project=2)
    assert not any(task > 1000 for task in house.shown())


def test_a_single_labelled_group_proposes_even_where_nothing_looks_alike(house: House) -> None:
    for task in range(101, 104):
        house.add_task(task, video="night", image=dark(5))
    house.work()
    assert {task: len(items) for task, items in house.shown().items() if task > 100} == {101: 1, 102: 1, 103: 1}
    assert status(house, "night")["proposed_by"] == "a v1"


def test_a_project_with_one_group_has_nothing_to_do_in_spare_time(quick: None, tmp_path: Path) -> None:
    house = House(tmp_path)
    house.add_project()
    add_clip(house, "a", 1, label=2)
    assert house.registry.groups.get(1, PROJECT_GROUP) is None
