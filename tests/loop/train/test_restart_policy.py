"""When a training restarts with newer labels: the rule by itself, and with a person who labels in front of a clock."""

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.learning import methods
from backend.loop.train.restart_policy import (
    PROMISED_LABELS,
    RunningTraining,
    is_obsolete,
    label_interval,
    lag_message,
    should_restart,
)
from backend.types import Control, Progress
from tests.loop.house import House, teach

shares = st.floats(0, 1)
seconds = st.floats(0, 600)
few = st.integers(1, PROMISED_LABELS - 1)


@given(
    few, st.integers(PROMISED_LABELS, 50), st.integers(0, 4), shares, st.none() | seconds, st.none() | seconds, seconds
)
def test_the_promised_labels_wait_for_no_training_on_fewer(
    labels: int,
    available: int,
    served_labels: int,
    done: float,
    seconds_left: float | None,
    interval: float | None,
    since: float,
) -> None:
    assert should_restart(RunningTraining(labels, served_labels, done, seconds_left), available, interval, since)
    assert is_obsolete(labels, available)


@given(st.integers(1, 50), st.integers(0, 50), st.integers(0, 50), st.none() | seconds, st.none() | seconds)
def test_what_is_done_is_kept_and_what_has_not_begun_is_not(
    labels: int, served_labels: int, more: int, seconds_left: float | None, interval: float | None
) -> None:
    available = max(PROMISED_LABELS, labels) + more
    if not is_obsolete(labels, available):
        assert not should_restart(RunningTraining(labels, served_labels, 1.0, seconds_left), available, interval, 0.0)
        assert should_restart(RunningTraining(labels, served_labels, 0.0, seconds_left), available, interval, 0.0)


@given(st.integers(PROMISED_LABELS, 50), st.integers(0, 50), st.integers(1, 20), shares, shares)
def test_the_further_it_is_the_less_it_restarts(
    labels: int, served_labels: int, more: int, one: float, other: float
) -> None:
    early, late = sorted((one, other))
    if should_restart(RunningTraining(labels, served_labels, late, None), labels + more, 5.0, 0.0):
        assert should_restart(RunningTraining(labels, served_labels, early, None), labels + more, 5.0, 0.0)


@given(st.floats(0.5, 60), st.floats(1, 120), st.integers(0, 30))
def test_no_stream_of_labels_starves_a_group(interval: float, whole: float, served_labels: int) -> None:
    """Once the promised labels are there, a version is ready after at most three times as long as one takes."""
    clock, began, learns, available, step = (
        0.0,
        0.0,
        PROMISED_LABELS + served_labels,
        PROMISED_LABELS + served_labels,
        whole / 50,
    )
    while clock - began < whole:
        clock += step
        available = PROMISED_LABELS + served_labels + int(clock / interval)
        done = (clock - began) / whole
        if available > learns and should_restart(
            RunningTraining(learns, served_labels, done, whole * (1 - done)), available, interval, 0.0
        ):
            began, learns = clock, available
        assert clock <= 3 * whole + step


def test_before_the_promise_a_training_is_kept_where_it_is_in_time() -> None:
    def keeps(seconds_left: float, available: int, done: float = 0.5, interval: float | None = 12.0) -> bool:
        return not should_restart(RunningTraining(1, 0, done, seconds_left), available, interval, since=0.0)

    assert keeps(20, available=2), "36 s to the fifth label: it is in time, and a new one (40 s) would not be"
    assert not keeps(10, available=2), "a new one on two labels takes 20 s, and is in time as well"
    assert not keeps(20, available=4), "12 s to the fifth label, which would cut it off"


@pytest.mark.parametrize(
    ("times", "interval"), [([], None), ([7.0], None), ([30.0, 1.0, 18.0], 12.0), ([5.0, 5.0], 0.0)]
)
def test_the_label_interval_is_that_of_the_newest_labels(times: list[float], interval: float | None) -> None:
    assert label_interval(times) == interval


@pytest.mark.parametrize(
    ("learnt", "available", "seconds_left", "words"),
    [
        (0, 0, None, None),
        (5, 5, 10.0, None),
        (0, 1, None, "1 label is there"),
        (0, 5, 38.0, "5 labels are there, first version in about 40 s"),
        (2, 5, 20.4, "trained on 2, 5 are there, next in about 20 s"),
        (2, 5, 0.1, "trained on 2, 5 are there, next in about 5 s"),
        (2, 5, 130.0, "trained on 2, 5 are there, next in about 2 min"),
    ],
)
def test_where_a_group_stands_in_words(
    learnt: int, available: int, seconds_left: float | None, words: str | None
) -> None:
    assert lag_message(learnt, available, seconds_left) == words


class Person:
    """Labels a frame each so many seconds while the backend works; a training takes its time on the same clock."""

    def __init__(self, house: House, interval: float, training: float, labels: int) -> None:
        self.house, self.training, self.start = house, training, house.now
        self.due = [self.start + interval * number for number in range(labels)]
        self.given: list[float] = []
        self.begun: list[tuple[float, int]] = []
        self.ended: list[tuple[float, int]] = []

    def passes(self, seconds: float) -> None:
        self.house.now += seconds
        while self.due and self.due[0] <= self.house.now:
            self.due.pop(0)
            self.house.now -= 1  # which labelling takes in the house
            self.house.label(len(self.given) + 1)
            self.given.append(self.house.now)

    def wait(self, seconds: float | None = None) -> bool:
        self.passes(seconds or 0.0)
        return False

    def train(self, control: Control, given: Any, recipe: object) -> Any:
        began = self.house.now
        self.begun.append((began, len(given.labeled)))
        while (spent := self.house.now - began) < self.training:
            self.passes(0.5)
            given.progress(Progress(spent / self.training, self.training - spent))
            given.cancel.check()
        self.ended.append((self.house.now, len(given.labeled)))
        return teach(control, given, recipe)


@pytest.mark.usefixtures("quick")
@pytest.mark.parametrize(
    ("interval", "training"), [(12.0, 4.0), (12.0, 20.0), (12.0, 35.0), (10.0, 60.0), (16.0, 35.0)]
)
def test_the_training_on_five_labels_begins_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, interval: float, training: float
) -> None:
    house = House(tmp_path, proposals=False)
    house.settings.quiet_seconds = 1.0
    house.add_project()
    for task in range(1, 21):
        house.add_task(task)
    person = Person(house, interval, training, labels=8)
    monkeypatch.setattr(house.stop, "wait", person.wait)
    monkeypatch.setattr(methods, "train", person.train)
    while person.due or house.registry.groups.pending(house.now + 60):
        person.passes(0.5)
        house.worker.run_due()
    begins = next(at for at, labels in person.begun if labels >= PROMISED_LABELS)
    fifth = person.given[PROMISED_LABELS - 1]
    assert begins - fifth < 3.5, "a second of quiet, a second to notice, and some reading"
    ends = next(at for at, labels in person.ended if labels >= PROMISED_LABELS)
    assert ends - fifth < 1.15 * training + 5, "what came after the fifth label did not put it off for long"
    assert person.ended[-1][1] == 8, "and nothing is forgotten"
    assert len(house.shown()) >= 12
    states = {version.state.value for version in house.registry.versions.history(1, "clip")}
    assert "failed" not in states
    house.registry.close()
