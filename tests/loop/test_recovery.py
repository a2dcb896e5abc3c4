"""After a failure is over nothing tells of it any more, and what could not be done is done."""

import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from backend.errors import (
    MediaError,
    RegistryUnavailable,
    StorageError,
    StudioUnreachable,
    TrainingError,
    TrainingInterrupted,
)
from backend.learning import methods
from backend.loop import group_work
from backend.loop.events.sweep import sweep_project
from backend.loop.pages.overview import index
from backend.loop.predict import publish
from backend.loop.train import train_group
from backend.types import Weights
from model_registry import GroupRecord, Lease
from tests.disk import small_disk
from tests.loop.house import CONFIG, House, box_of, teach

pytestmark = pytest.mark.usefixtures("quick")


@pytest.fixture
def house(tmp_path: Path) -> House:
    return filled(House(tmp_path, proposals=False))


def filled(house: House) -> House:
    house.add_project()
    for task in range(1, 5):
        house.add_task(task)
    house.registry.projects.mark_synced(1, house.now)
    house.registry.projects.configure(1, settings={"webhook_secret": "s3cret"})
    house.registry.workers.seen("worker", house.now)
    return house


def group(house: House) -> GroupRecord:
    found = house.registry.groups.get(1, "clip")
    assert found is not None
    return found


def fails_once(monkeypatch: pytest.MonkeyPatch, room: object, name: str, error: Exception) -> list[Exception]:
    """The first call of a function fails; the errors that it raised."""
    raised: list[Exception] = []
    real: Callable[..., Any] = getattr(room, name)

    def call(*args: Any, **options: Any) -> Any:
        if not raised:
            raised.append(error)
            raise error
        return real(*args, **options)

    monkeypatch.setattr(room, name, call)
    return raised


FAULTS = {
    "training": (methods, "train", TrainingError("The loss became nan")),
    "an unknown error": (methods, "train", ZeroDivisionError("of something")),
    "memory": (methods, "train", MemoryError()),
    "pictures": (train_group, "build_training_set", StudioUnreachable("no answer")),
    "handing over": (publish, "push", StudioUnreachable("no answer")),
    "the reviews": (group_work, "review_pending", StudioUnreachable("no answer")),
}


@pytest.mark.parametrize("where", FAULTS)
def test_a_failure_is_told_until_it_is_over(house: House, monkeypatch: pytest.MonkeyPatch, where: str) -> None:
    room, name, error = FAULTS[where]
    raised = fails_once(monkeypatch, room, name, error)
    house.label(1)
    house.work()
    assert raised == [error]
    assert group(house).state(house.now) == "failed"
    assert group(house).reason
    assert any(t.group == "clip" for t in index(house.services).alerts)
    house.now += 30
    house.work()
    assert (group(house).state(house.now), group(house).reason, group(house).attempts) == ("idle", None, 0)
    assert group(house).trained_labels == 1
    assert index(house.services).alerts == ()
    assert house.registry.groups.pending(house.now + 1e6) == []  # and nobody looks at it again and again


def test_the_remark_of_a_training_survives_a_failure_to_publish(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    fails_once(monkeypatch, publish, "push", StudioUnreachable("no answer"))
    house.label(1)
    odd = box_of(2, region="odd")
    odd[0]["value"]["width"] = "wide"
    house.label(2, [*box_of(2), *odd])
    house.work()
    assert group(house).reason == "no answer"
    house.now += 30
    house.work()
    assert "task 2" in str(group(house).reason)


def test_a_rollback_after_a_failure_tells_of_it_no_more(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    for task in (1, 2):
        house.label(task)
        house.work()
    fails_once(monkeypatch, methods, "train", TrainingError("The loss became nan"))
    house.label(3)
    house.work()
    assert group(house).reason
    house.registry.versions.rollback(1, "clip")
    assert group(house).reason is None


def test_a_task_is_told_of_until_its_picture_can_be_had(house: House) -> None:
    picture = house.media / "3.png"
    whole = picture.read_bytes()
    picture.write_bytes(whole[:40])
    house.label(1)
    house.work()
    task = house.registry.tasks.get(1, 3)
    assert task is not None
    assert task.problem
    picture.write_bytes(whole)
    house.label(2)
    house.work()
    mended = house.registry.tasks.get(1, 3)
    assert mended is not None
    assert mended.problem is None
    assert index(house.services).alerts == ()


@pytest.mark.parametrize("labelled", [False, True])
def test_a_picture_that_comes_back_is_noticed_by_itself(house: House, labelled: bool) -> None:
    """Nobody labels, nobody presses a button."""
    picture = house.media / "3.png"
    whole = picture.read_bytes()
    picture.write_bytes(whole[:40])
    house.label(1)
    if labelled:
        house.label(3)
    house.work()
    sweep_project(house.services, 1)
    assert [t.id for t in house.registry.listing.problems(1)] == [3]  # still so
    assert group(house).state(house.now) == "idle"
    picture.write_bytes(whole)
    sweep_project(house.services, 1)
    house.now += 30
    house.work()
    house.registry.workers.seen("worker", house.now)
    assert house.registry.listing.problems(1) == []
    assert index(house.services).alerts == ()
    assert (group(house).trained_labels, 3 in house.shown()) == ((2, False) if labelled else (1, True))


@pytest.mark.parametrize("odd", ["picture of a label", "picture", "label"])
def test_what_stays_odd_is_not_trained_again_at_each_sweep(house: House, odd: str) -> None:
    """A picture that lacks its end is used as it is; an annotation that cannot be used is no matter of its picture."""
    if odd != "label":
        noise = np.random.default_rng(0).integers(0, 100, (48, 64, 3), np.uint8)
        buffer = io.BytesIO()
        Image.fromarray(noise).save(buffer, "PNG")
        (house.media / "3.png").write_bytes(buffer.getvalue()[:-2500])
    house.label(1)
    if odd != "picture":
        house.label(3, box_of(3, "unicorn" if odd == "label" else "square"))
    house.work()
    before = group(house)
    assert [t.id for t in house.registry.listing.problems(1)] == [3]
    sweep_project(house.services, 1)
    house.now += 30
    assert [t.id for t in house.registry.listing.problems(1)] == [3]
    assert (group(house).wanted, group(house).trained, group(house).published) == (
        before.wanted, before.trained, before.published,
    )  # fmt: skip
    assert group(house).state(house.now) == "idle"


def test_a_training_given_up_for_newer_labels_is_no_failure(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    fails_once(monkeypatch, methods, "train", TrainingInterrupted("Newer labels came early in the training"))
    house.label(1)
    house.worker.run_group(1, "clip")
    [version] = house.registry.versions.history(1, "clip")
    assert (str(version.state), version.reason) == ("interrupted", "Newer labels came early in the training")
    assert (group(house).state(house.now), group(house).reason) == ("queued", None)
    assert not [t for t in index(house.services).alerts if t.group]
    house.work()
    assert [str(v.state) for v in house.registry.versions.history(1, "clip")] == ["serving", "interrupted"]


@pytest.mark.parametrize("error", [KeyboardInterrupt(), SystemExit(1)])
def test_a_training_that_is_cut_off_is_no_failure(
    house: House, monkeypatch: pytest.MonkeyPatch, error: BaseException
) -> None:
    fails_once(monkeypatch, methods, "train", error)  # type: ignore[arg-type]
    house.label(1)
    with pytest.raises(type(error)):
        house.worker.run_group(1, "clip")
    assert [str(v.state) for v in house.registry.versions.history(1, "clip")] == ["interrupted"]
    house.work()
    assert group(house).trained_labels == 1


def test_a_worker_that_is_gone_leaves_an_interrupted_version_at_once(house: House) -> None:
    house.label(1)
    assert house.registry.leases.take(Lease(1, "clip", "dead"), 1000)
    house.registry.versions.begin(
        Lease(1, "clip", "dead"), "label", "detection", label_revision=1, labels=1, fingerprint="f", recipe={},
        previous=None, start="backbone",
    )  # fmt: skip
    house.registry.leases.release_owner("dead")
    assert [str(v.state) for v in house.registry.versions.history(1, "clip")] == ["interrupted"]


@pytest.mark.parametrize("error", [StorageError("the disk is full"), StudioUnreachable("no answer")])
def test_what_passes_is_no_fault_of_one_control(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    """Two controls, and the first one's training meets a full disk: it must be done again, not given up."""
    house = House(tmp_path, proposals=False)
    second = '<RectangleLabels name="other" toName="image"><Label value="square"/></RectangleLabels></View>'
    house.add_project(config=CONFIG.replace("</View>", second))
    house.add_task(1)
    house.add_task(2)
    fails_once(monkeypatch, methods, "train", error)
    house.label(1, [*box_of(1), box_of(1, region="s")[0] | {"from_name": "other"}])
    house.work()
    assert group(house).state(house.now) == "failed"
    house.now += 30
    house.work()
    assert group(house).state(house.now) == "idle"
    assert set(house.registry.versions.serving(1, "clip")) == {"label", "other"}


def test_a_picture_that_finds_no_room_is_not_called_broken(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: Any, **__: Any) -> Any:
        raise StorageError("The folder media cannot be written: No space left on device.")

    from backend.studio.media import MediaCache

    with monkeypatch.context() as patched:
        patched.setattr(MediaCache, "image", full)
        house.label(1)
        house.work()
        assert "No space left" in str(group(house).reason)
        assert group(house).trained == 0  # not given up
    house.now += 30
    house.work()
    assert (group(house).trained_labels, group(house).reason) == (1, None)
    assert not issubclass(StorageError, MediaError)


def test_a_disk_that_is_full_for_a_while_costs_no_label(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """While a training ends, and while a webhook comes."""

    def heavy(*args: Any, **options: Any) -> Any:
        trained = teach(*args, **options)
        return type(trained)(
            Weights({"w": np.ones(300_000, np.float32)}, trained.weights.metadata), trained.metrics, trained.seconds
        )

    monkeypatch.setattr(methods, "train", heavy)
    with small_disk(tmp_path / "data", 12) as disk:
        house = filled(House(tmp_path, proposals=False))
        house.label(1)
        disk.fill(but=300_000)
        house.work()
        assert group(house).state(house.now) == "failed"
        assert "No space left on device" in str(group(house).reason)
        assert not list((disk.folder / "artifacts").rglob("*.part"))

        disk.empty()
        disk.fill()
        long_one = box_of(2) + [box_of(2, region=f"r{n}")[0] for n in range(20_000)]
        with pytest.raises(RegistryUnavailable, match="full"):
            house.label(2, long_one)
        disk.empty()
        house.now += 30
        house.studio.rows[2]["annotations"][-1]["result"] = box_of(2)
        sweep_project(house.services, 1)
        house.work()
        assert (group(house).state(house.now), group(house).reason) == ("idle", None)
        assert group(house).trained_labels == 2
        house.registry.close()
