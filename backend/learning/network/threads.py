"""Threads of networks: all cores, or fewer where something else needs them too."""

import time
from collections.abc import Callable, Iterable, Iterator
from statistics import median
from typing import TypeVar

import torch

T = TypeVar("T")
WARM_UP_ITEMS = 2
"""Items after a change of the number of threads that are not measured: they pay for the change."""
TRIAL_ITEMS = 4
"""Items that are measured with each number; their median counts, since a pause of the machine is none of theirs."""
RETRY_ITEMS = 40
"""Items after which fewer threads are compared with more again: what else ran may have ended. A tenth of them is lost."""
SLOWDOWN = 1.5
"""Times as long as an item took when the number was chosen: something else runs now."""


def use_threads(number: int) -> None:
    """Let every operation of this process use `number` threads; 0: what OMP_NUM_THREADS says, else one for each core."""
    if number:
        torch.set_num_threads(number)


def at_best_threads(items: Iterable[T], clock: Callable[[], float] = time.perf_counter) -> Iterator[T]:
    """The items, each worked on by as many threads as make the work fastest, at most those that are set now.

    Threads of OpenMP wait for each other at the end of each operation. Where another process holds one of two cores, two
    threads take longer than one. All items should cost about the same. Afterwards the number is as before.
    """
    most = torch.get_num_threads()
    choice = ThreadChoice(most)
    try:
        for item in items:
            began = clock()
            yield item
            if most > 1:
                choice.took(clock() - began)
                torch.set_num_threads(choice.threads)
    finally:
        # At least as many as now: of two such loops that take turns the other may have ended before, and begun with fewer.
        torch.set_num_threads(max(most, torch.get_num_threads()))


class ThreadChoice:
    """Hill climbing over halves of the most threads, by how long like pieces of work take."""

    def __init__(self, most: int) -> None:
        self.threads = most
        """To work on the next item with."""
        self._most = most
        self._settled: tuple[int, float] | None = None
        """What won so far, and the seconds that an item took with it; None before the first measurement."""
        self._seconds = list[float]()
        """Of the items since the number changed."""

    def took(self, seconds: float) -> None:
        """Learn how long an item took with `threads`, and choose those of the next."""
        self._seconds.append(seconds)
        if len(self._seconds) < WARM_UP_ITEMS + TRIAL_ITEMS:
            return
        found = median(self._seconds[-TRIAL_ITEMS:])
        if self._settled is None:
            self._settled = (self.threads, found)
            self._use(self.threads // 2)
        elif self.threads != self._settled[0]:
            self._end_trial(found)
        elif self.threads > 1 and found > SLOWDOWN * self._settled[1]:
            self._settled = (self.threads, found)
            self._use(self.threads // 2)
        elif self.threads < self._most and len(self._seconds) >= RETRY_ITEMS:
            self._settled = (self.threads, found)
            self._use(self.threads * 2)

    def _end_trial(self, found: float) -> None:
        """The faster number stays; where fewer won, still fewer are tried."""
        assert self._settled is not None
        settled, known = self._settled
        if found >= known:
            self._use(settled)
            return
        fewer = self.threads < settled
        self._settled = (self.threads, found)
        if fewer and self.threads > 1:
            self._use(self.threads // 2)

    def _use(self, threads: int) -> None:
        self.threads, self._seconds = threads, []
