"""Watching a training through `GET /status`, as the dashboard does, and showing it in the terminal."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import httpx
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from backend.errors import DemoError

POLL_SECONDS = 0.5
"""Between two looks: often enough to look live, rare enough to cost nothing."""
FAILED_SECONDS = 30.0
"""How long a failure must last to be believed: the backend tries again by itself."""
GIVE_UP_SECONDS = 1800.0
"""How long nothing may change: a machine that has much else to do is slow, but gets on."""


@dataclass(frozen=True, slots=True)
class Snapshot:
    """Where the groups of a project stand, all together."""

    state: str
    trained: int
    """Labels that the serving versions were trained on."""
    progress: float | None = None
    """Of the state's work, in [0, 1]."""
    seconds_left: float | None = None
    reason: str | None = None

    @property
    def stage(self) -> tuple[str, int, float | None]:
        """How far it is: another one where anything was done since."""
        return self.state, self.trained, self.progress

    def done(self, labels: int) -> bool:
        """Whether all labels are trained on and published."""
        return self.state == "idle" and self.trained >= labels

    def sentence(self, labels: int) -> str:
        """For the person who waits."""
        left = f", about {self.seconds_left:.0f} s left" if self.seconds_left is not None else ""
        because = f" ({self.reason})" if self.reason else ""
        trained = f", {self.trained} of {labels} labels trained on" if self.trained else ""
        return f"{self.state}{because}{trained}{left}"


BUSIEST_FIRST = ("training", "publishing", "queued", "failed", "idle")


def snapshot(status: Mapping[str, Any]) -> Snapshot:
    """What the answer of `GET /status` says, summed over its groups."""
    groups = status.get("groups") or []
    if not groups:
        return Snapshot("waiting for the labels", 0, reason=status.get("problem"))
    shown = min(groups, key=lambda group: BUSIEST_FIRST.index(group["state"]))
    return Snapshot(
        state=shown["state"],
        trained=sum(int(group.get("trained_labels") or 0) for group in groups),
        progress=shown.get("progress"),
        seconds_left=shown.get("seconds_left"),
        reason=shown.get("reason") or status.get("problem"),
    )


@dataclass
class Watch:
    """Waits until a project's labels are trained on; the clock and the pause are passed in."""

    read: Callable[[], Mapping[str, Any]]
    """Asks the backend."""
    check_alive: Callable[[], None]
    """Raises when a server has ended."""
    clock: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep

    def until_trained(self, labels: int, report: Callable[[Snapshot], None]) -> None:
        """Return when all labels are trained on and published; DemoError when that fails, or does not get on."""
        stage, since = Snapshot("", 0).stage, self.clock()
        failing_since: float | None = None
        while True:
            self.check_alive()
            now = self._look()
            report(now)
            if now.done(labels):
                return
            failing_since = (failing_since or self.clock()) if now.state == "failed" else None
            if failing_since is not None and self.clock() - failing_since > FAILED_SECONDS:
                raise DemoError(f"Training failed: {now.reason}. The backend's log says more.")
            if now.stage != stage:
                stage, since = now.stage, self.clock()
            if self.clock() - since > GIVE_UP_SECONDS:
                raise DemoError(f"Nothing has changed for {GIVE_UP_SECONDS:.0f} s: still {now.sentence(labels)}.")
            self.sleep(POLL_SECONDS)

    def _look(self) -> Snapshot:
        try:
            return snapshot(self.read())
        except httpx.TransportError as error:
            return Snapshot("no answer from the backend", 0, reason=type(error).__name__)


def show_training(watch: Watch, labels: int, console: Console) -> None:
    """A live bar until all labels are trained on; plain lines at each change of state where there is no terminal."""
    columns = (TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console, disable=not console.is_terminal) as bars:
        bar = bars.add_task("waiting", total=1.0)
        last = ""

        def report(now: Snapshot) -> None:
            nonlocal last
            bars.update(bar, description=now.sentence(labels), completed=now.progress or 0.0)
            if not console.is_terminal and now.state != last:
                console.print(f"  {now.sentence(labels)}")
            last = now.state

        watch.until_trained(labels, report)
