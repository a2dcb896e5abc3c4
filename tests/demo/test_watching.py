import io
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import httpx
import pytest
from rich.console import Console

from backend.demo import watching
from backend.demo.watching import Snapshot, Watch, show_training, snapshot
from backend.errors import DemoError


def status(state: str, trained: int = 0, **more: Any) -> Mapping[str, Any]:
    return {"groups": [{"group": "bunny", "state": state, "trained_labels": trained, **more}]}


class Clock:
    """Time that passes by sleeping only."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds


def watch(answers: Callable[[], Mapping[str, Any]]) -> Watch:
    clock = Clock()
    return Watch(answers, lambda: None, clock, clock.sleep)


def in_turn(*answers: Mapping[str, Any]) -> Callable[[], Mapping[str, Any]]:
    """Each answer once, then the last for ever."""
    left: Iterator[Mapping[str, Any]] = iter(answers)
    return lambda: next(left, answers[-1])


def test_no_group_yet_is_not_done() -> None:
    assert not snapshot({"groups": []}).done(0 + 1)
    assert not snapshot({}).done(1)


def test_a_problem_of_the_project_is_shown() -> None:
    assert "no control" in snapshot({"groups": [], "problem": "no control"}).sentence(5)
    assert "no control" in snapshot({**status("queued"), "problem": "no control"}).sentence(5)


def test_several_groups_are_summed_and_the_busiest_is_shown() -> None:
    groups = [status("idle", 2)["groups"][0], status("training", 3, progress=0.5, seconds_left=9)["groups"][0]]
    assert snapshot({"groups": groups}) == Snapshot("training", 5, 0.5, 9, None)


@pytest.mark.parametrize(("state", "trained"), [("idle", 4), ("publishing", 5), ("failed", 5)])
def test_only_idle_with_all_labels_is_done(state: str, trained: int) -> None:
    assert not snapshot(status(state, trained)).done(5)
    assert snapshot(status("idle", 5)).done(5)


def test_watching_ends_when_all_labels_are_trained_on() -> None:
    seen: list[str] = []
    answers = in_turn(status("queued"), status("training"), status("publishing", 5), status("idle", 5))
    watch(answers).until_trained(5, lambda now: seen.append(now.state))
    assert seen == ["queued", "training", "publishing", "idle"]


def test_a_failure_that_passes_is_not_believed() -> None:
    answers = in_turn(*[status("failed", reason="x")] * 3, status("training"), status("idle", 5))
    watch(answers).until_trained(5, lambda now: None)


def test_a_failure_that_lasts_is_an_error() -> None:
    with pytest.raises(DemoError, match="Training failed: no memory"):
        watch(in_turn(status("failed", reason="no memory"))).until_trained(5, lambda now: None)


def test_waiting_has_an_end_where_nothing_gets_on() -> None:
    with pytest.raises(DemoError, match="Nothing has changed for 1800 s: still training"):
        watch(in_turn(status("training"))).until_trained(5, lambda now: None)


def test_what_gets_on_is_waited_for_however_slow_it_is() -> None:
    steps = [status("training", progress=step / 100) for step in range(100) for _ in range(200)]
    assert len(steps) * watching.POLL_SECONDS > 5 * watching.GIVE_UP_SECONDS
    watch(in_turn(*steps, status("idle", 5))).until_trained(5, lambda now: None)


def test_an_answer_that_fails_is_asked_for_again() -> None:
    tries = iter([httpx.ConnectError("refused"), None])

    def read() -> Mapping[str, Any]:
        if error := next(tries):
            raise error
        return status("idle", 5)

    seen: list[str] = []
    watch(read).until_trained(5, lambda now: seen.append(now.state))
    assert seen == ["no answer from the backend", "idle"]


def test_a_server_that_ended_ends_the_waiting() -> None:
    def ended() -> None:
        raise DemoError("The backend ended by itself")

    waiting = watch(in_turn(status("training")))
    waiting.check_alive = ended
    with pytest.raises(DemoError, match="ended by itself"):
        waiting.until_trained(5, lambda now: None)


@pytest.mark.parametrize("terminal", [True, False])
def test_progress_is_shown_with_and_without_a_terminal(terminal: bool) -> None:
    out = io.StringIO()
    console = Console(file=out, force_terminal=terminal, width=120)
    answers = in_turn(status("training", progress=0.5, seconds_left=12), status("idle", 5))
    show_training(watch(answers), 5, console)
    assert "5 of 5 labels trained on" in out.getvalue()
    if not terminal:
        assert "about 12 s left" in out.getvalue()


def test_states_of_the_contract_are_all_known() -> None:
    assert set(watching.BUSIEST_FIRST) == {"idle", "queued", "training", "publishing", "failed"}
