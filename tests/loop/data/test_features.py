from collections.abc import Iterable
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from backend.cancel import CancelToken
from backend.errors import TrainingInterrupted
from backend.learning.network import features
from backend.loop.data.features import FRAMES_PER_BATCH, embed_frames
from backend.loop.data.frames import FrameStore
from backend.loop.worker import preemption
from backend.types import Frame
from model_registry import TaskRecord
from tests.loop.house import House, glance

MANY = FRAMES_PER_BATCH + 20


@pytest.fixture
def house(tmp_path: Path, quick: None) -> House:
    house = House(tmp_path)
    house.add_project()
    for task in range(1, MANY + 1):
        house.add_task(task)
    return house


def known(house: House) -> set[int]:
    sources = {task.id: f"{house.settings.backbone} {task.data['image']}" for task in tasks(house)}
    return set(house.registry.features.of(1, sources))


def tasks(house: House) -> list[TaskRecord]:
    return house.registry.tasks.of_group(1, "clip")


def frames(house: House) -> FrameStore:
    return FrameStore(house.services.media(house.registry.projects.seen(1)), 10)


def test_what_was_seen_before_an_interruption_is_kept_and_the_next_look_goes_on_from_there(house: House) -> None:
    asked = 0

    def interrupt() -> None:
        nonlocal asked
        asked += 1
        if asked == FRAMES_PER_BATCH + 2:
            raise TrainingInterrupted("a label came")

    with pytest.raises(TrainingInterrupted):
        embed_frames(
            house.services, house.registry.projects.seen(1), tasks(house), frames(house), CancelToken(interrupt)
        )
    assert len(known(house)) == FRAMES_PER_BATCH
    embed_frames(house.services, house.registry.projects.seen(1), tasks(house), frames(house))
    assert len(known(house)) == MANY


def test_an_unreadable_frame_costs_itself_alone(house: House) -> None:
    (house.media / "2.png").write_bytes(b"no picture")
    embed_frames(house.services, house.registry.projects.seen(1), tasks(house), frames(house))
    assert known(house) == set(range(1, MANY + 1)) - {2}


def test_a_label_that_comes_while_the_worker_looks_ahead_is_trained_on_at_once(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(preemption, "LOOK_SECONDS", 0.0)
    house.label(1)

    def vectors(frames: Iterable[Frame], backbone: str) -> list[NDArray[np.float16]]:
        found = [glance(frame) for frame in frames]
        if not known(house):
            house.label(2)
        return found

    monkeypatch.setattr(features, "vectors", vectors)
    [group] = house.registry.groups.pending(house.now)
    house.worker.run_group(1, group.name)
    assert 0 < len(known(house)) < MANY, "it was interrupted"
    after = house.registry.groups.get(1, "clip")
    assert after is not None
    assert (after.state(house.now), after.trained_labels, after.attempts) == ("queued", 1, 0)
    assert (1, "clip") in house.queue.groups


def test_features_that_cannot_be_made_are_no_failure_of_the_group(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(frames: Iterable[Frame], backbone: str) -> list[NDArray[np.float16]]:
        raise RuntimeError("no memory")

    monkeypatch.setattr(features, "vectors", broken)
    house.label(1)
    house.work()
    group = house.registry.groups.get(1, "clip")
    assert group is not None
    assert (group.state(house.now), group.reason) == ("idle", None)
    assert len(house.studio.predictions) == MANY - 1
