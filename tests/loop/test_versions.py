"""What a person orders holds until it is lifted."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from backend.errors import RegistryError
from backend.loop.pages.status import project_status
from backend.loop.versions import pin, rollback, train_now, unpin
from tests.loop.house import House, box_of


@pytest.fixture
def house(tmp_path: Path, quick: None) -> Iterator[House]:
    """Two rounds: v2 serves, trained on tasks 1 and 2."""
    house = House(tmp_path)
    house.add_project()
    for task in range(1, 9):
        house.add_task(task)
    for task in (1, 2):
        house.label(task)
        house.work()
    yield house
    house.registry.close()


def serving(house: House) -> int:
    return house.registry.versions.serving(1, "clip")["label"].number


def newest(house: House) -> tuple[int, str, str | None]:
    version = house.registry.versions.history(1, "clip")[0]
    return version.number, version.state.value, version.reason


def test_without_a_version_there_is_nothing_to_pin_or_go_back_to(tmp_path: Path, quick: None) -> None:
    house = House(tmp_path)
    house.add_project()
    house.add_task(1)
    with pytest.raises(RegistryError, match="none can be pinned"):
        pin(house.services, 1, "clip")
    with pytest.raises(RegistryError, match="to go back to"):
        rollback(house.services, 1, "clip")
    assert unpin(house.services, 1, "clip") == []
    house.registry.close()


def test_a_rollback_holds_although_trainings_end(house: House) -> None:
    assert [v.number for v in rollback(house.services, 1, "clip")] == [1]
    house.work()
    house.label(3)
    house.work()
    assert serving(house) == 1
    assert newest(house) == (3, "rejected", "pinned to version 1: it serves until the pin is lifted")
    [group] = project_status(house.services, 1)["groups"]
    assert (group["state"], group["trained_labels"], group["version"], group["pinned"]) == ("idle", 3, "v1", ["label"])
    first = house.registry.versions.serving(1, "clip")["label"].id
    assert {e.versions["label"] for e in house.registry.ledger.latest(1, range(4, 9)).values()} == {first}


def test_a_poisoned_round_is_undone_by_one_rollback(house: House) -> None:
    for task in (3, 4, 5):
        house.label(task, box_of(task + 3, label="disc"))
    house.work()
    rollback(house.services, 1, "clip")
    house.work()
    assert serving(house) == 2
    for task in (3, 4, 5):
        house.label(task, box_of(task), action="ANNOTATION_UPDATED")
    house.work()
    assert serving(house) == 2
    assert unpin(house.services, 1, "clip") == ["label"]
    house.work()
    assert serving(house) == newest(house)[0] == 5


def test_going_back_twice_goes_two_versions_back(house: House) -> None:
    house.label(3)
    house.work()
    assert serving(house) == 3
    rollback(house.services, 1, "clip")
    rollback(house.services, 1, "clip")
    assert serving(house) == 1


def test_a_pin_on_an_older_version_lets_it_serve(house: House) -> None:
    assert [v.number for v in pin(house.services, 1, "clip", "label", 1)] == [1]
    house.work()
    assert serving(house) == 1
    pin(house.services, 1, "clip", None, 2)
    assert serving(house) == 2
    assert house.registry.versions.pins(1, "clip") == {"label": house.registry.versions.serving(1, "clip")["label"].id}


def test_a_pin_on_what_serves_publishes_nothing_again(house: House) -> None:
    pin(house.services, 1, "clip")
    group = house.registry.groups.get(1, "clip")
    assert group is not None
    assert group.published == group.trained


@pytest.mark.parametrize(("control", "number", "said"), [("label", 9, "there is none"), ("other", None, "none can be")])
def test_a_pin_on_what_is_not_there(house: House, control: str, number: int | None, said: str) -> None:
    with pytest.raises(RegistryError, match=said):
        pin(house.services, 1, "clip", control, number)
    assert house.registry.versions.pins(1, "clip") == {}


def test_a_pin_does_not_outlive_the_labeling_config_that_it_fits(house: House) -> None:
    pin(house.services, 1, "clip")
    config = house.studio.projects[1]["label_config"].replace("disc", "ring")
    house.studio.projects[1]["label_config"] = config
    house.send("PROJECT_UPDATED")
    train_now(house.services, 1, "clip")
    house.work()
    assert serving(house) == 3
    assert house.registry.versions.pins(1, "clip") == {}


def test_unpin_where_nothing_is_pinned_asks_for_no_training(house: House) -> None:
    house.queue.groups.clear()
    assert unpin(house.services, 1, "clip") == []
    assert house.queue.groups == []


def test_train_now_asks_for_the_groups_with_labels(house: House) -> None:
    house.add_task(20, video="other")
    assert train_now(house.services, 1) == ["clip"]
    house.work()
    assert newest(house)[:2] == (3, "serving")


def test_a_candidate_that_learnt_wrong_labels_at_the_cost_of_the_older_ones_is_rejected(
    tmp_path: Path, quick: None
) -> None:
    """Better on all seven labels, since four of them are wrong; but it has lost the three that were there before."""
    house = House(tmp_path)
    house.add_project()
    for task in range(1, 10):
        house.add_task(task)
    for task in (5, 6, 7):
        house.label(task)
    house.work()
    for task in (1, 2, 3, 4):
        house.label(task, box_of(task, label="disc"))
    house.work()
    assert serving(house) == 1
    number, state, reason = newest(house)
    assert (number, state) == (2, "rejected")
    assert reason is not None
    assert "0.000 F1 at IoU 0.5 on the 3 frames labelled before, that version 1.000" in reason
    assert "Look at tasks 1, 2, 3, 4" in reason
    history = house.registry.versions.history(1, "clip")
    assert history[0].metrics["unseen"]["score"] == 0.0
    for task in (1, 2, 3, 4):
        house.label(task, box_of(task), action="ANNOTATION_UPDATED")
    house.work()
    assert (serving(house), newest(house)[:2]) == (3, (3, "serving"))
    assert house.registry.versions.history(1, "clip")[0].metrics["unseen"]["score"] == 1.0
    house.registry.close()
