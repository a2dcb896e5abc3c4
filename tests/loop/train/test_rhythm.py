"""When a training gives way to newer labels: the rule by itself, and with a person who labels in front of a clock."""

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.learning import methods
from backend.loop.train.rhythm import PROMISED, Running, gap_of, gives_way, outrun, told
from backend.types import Control, Progress
from tests.loop.house import House, teach

shares = st.floats(0, 1)
seconds = st.floats(0, 600)
few = st.integers(1, PROMISED - 1)


@given(few, st.integers(PROMISED, 50), st.integers(0, 4), shares, st.none() | seconds, st.none() | seconds, seconds)
def test_the_promised_labels_wait_for_no_training_on_fewer(
    labels: int, there: int, served: int, done: float, left: float | None, gap: float | None, since: float
) -> None:
    assert gives_way(Running(labels, served, done, left), there, gap, since)
    assert outrun(labels, there)


@given(st.integers(1, 50), st.integers(0, 50), st.integers(0, 50), st.none() | seconds, st.none() | seconds)
def test_what_is_done_is_kept_and_what_has_not_begun_is_not(
    labels: int, served: int, more: int, left: float | None, gap: float | None
) -> None:
    there = max(PROMISED, labels) + more
    if not outrun(labels, there):
        assert not gives_way(Running(labels, served, 1.0, left), there, gap, 0.0)
        assert gives_way(Running(labels, served, 0.0, left), there, gap, 0.0)


@given(st.integers(PROMISED, 50), st.integers(0, 50), st.integers(1, 20), shares, shares)
def test_the_further_it_is_the_less_it_gives_way(labels: int, served: int, more: int, one: float, other: float) -> None:
    early, late = sorted((one, other))
    if gives_way(Running(labels, served, late, None), labels + more, 5.0, 0.0):
        assert gives_way(Running(labels, served, early, None), labels + more, 5.0, 0.0)


@given(st.floats(0.5, 60), st.floats(1, 120), st.integers(0, 30))
def test_no_stream_of_labels_starves_a_group(gap: float, whole: float, served: int) -> None:
    """Once the promised labels are there, a version is ready after at most three times as long as one takes."""
    clock, began, learns, there, step = 0.0, 0.0, PROMISED + served, PROMISED + served, whole / 50
    while clock - began < whole:
        clock += step
        there = PROMISED + served + int(clock / gap)
        done = (clock - began) / whole
        if there > learns and gives_way(Running(learns, served, done, whole * (1 - done)), there, gap, 0.0):
            began, learns = clock, there
        assert clock <= 3 * whole + step


def test_before_the_promise_a_training_is_kept_where_it_is_in_time() -> None:
    def keeps(left: float, there: int, done: float = 0.5, gap: float | None = 12.0) -> bool:
        return not gives_way(Running(1, 0, done, left), there, gap, since=0.0)

    assert keeps(20, there=2), "36 s to the fifth label: it is in time, and a new one (40 s) would not be"
    assert not keeps(10, there=2), "a new one on two labels takes 20 s, and is in time as well"
    assert not keeps(20, there=4), "12 s to the fifth label, which would cut it off"


@pytest.mark.parametrize(("times", "gap"), [([], None), ([7.0], None), ([30.0, 1.0, 18.0], 12.0), ([5.0, 5.0], 0.0)])
def test_the_rhythm_is_that_of_the_newest_labels(times: list[float], gap: float | None) -> None:
    assert gap_of(times) == gap


@pytest.mark.parametrize(
    ("learnt", "there", "left", "words"),
    [
        (0, 0, None, None),
        (5, 5, 10.0, None),
        (0, 1, None, "1 label is there"),
        (0, 5, 38.0, "5 labels are there, first in about 40 s"),
        (2, 5, 20.4, "trained on 2, 5 are there, next in about 20 s"),
        (2, 5, 0.1, "trained on 2, 5 are there, next in about 5 s"),
        (2, 5, 130.0, "trained on 2, 5 are there, next in about 2 min"),
    ],
)
def test_where_a_group_stands_in_words(learnt: int, there: int, left: float | None, words: str | None) -> None:
    assert told(learnt, there, left) == words


class Person:
    """Labels a frame each so many seconds while the backend works; a training takes its time on the same clock."""

    def __init__(self, house: House, gap: float, training: float, labels: int) -> None:
        self.house, self.training, self.start = house, training, house.now
        self.due = [self.start + gap * number for number in range(labels)]
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
@pytest.mark.parametrize(("gap", "training"), [(12.0, 4.0), (12.0, 20.0), (12.0, 35.0), (10.0, 60.0), (16.0, 35.0)])
def test_the_training_on_five_labels_begins_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, gap: float, training: float
) -> None:
    house = House(tmp_path, proposals=False)
    house.settings.quiet_seconds = 1.0
    house.add_project()
    for task in range(1, 21):
        house.add_task(task)
    person = Person(house, gap, training, labels=8)
    monkeypatch.setattr(house.stop, "wait", person.wait)
    monkeypatch.setattr(methods, "train", person.train)
    while person.due or house.registry.groups.pending(house.now + 60):
        person.passes(0.5)
        house.worker.run_due()
    begins = next(at for at, labels in person.begun if labels >= PROMISED)
    fifth = person.given[PROMISED - 1]
    assert begins - fifth < 3.5, "a second of quiet, a second to notice, and some reading"
    ends = next(at for at, labels in person.ended if labels >= PROMISED)
    assert ends - fifth < 1.15 * training + 5, "what came after the fifth label did not put it off for long"
    assert person.ended[-1][1] == 8, "and nothing is forgotten"
    assert len(house.shown()) >= 12
    states = {version.state.value for version in house.registry.versions.history(1, "clip")}
    assert "failed" not in states
    house.registry.close()
