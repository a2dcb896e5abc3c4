"""Bulkheads: threads for what takes a while, counted by kind; a slow kind fills its own lane and no other.

Within a lane no project has all threads: a storage that hangs keeps nobody waiting but its own project.
"""

from collections.abc import AsyncIterator, Callable, Hashable, Iterator
from contextlib import asynccontextmanager, contextmanager
from functools import partial
from typing import ParamSpec, TypeVar

from anyio import CapacityLimiter, to_thread
from fastapi import HTTPException

P = ParamSpec("P")
T = TypeVar("T")


class Busy(HTTPException):
    """So many requests of this kind wait that another one would wait for too long."""

    def __init__(self, what: str, waiting: int) -> None:
        super().__init__(503, f"{waiting} requests for {what} wait already; ask again later.", {"Retry-After": "2"})


class Lane:
    """A number of threads, and a line before them that has an end. All is counted in the event loop's thread alone."""

    def __init__(self, what: str, threads: int, line: int) -> None:
        self._what, self._most = what, threads + line
        self._limiter, self._share = CapacityLimiter(threads), max(threads // 2, 1)
        self._shares: dict[Hashable, tuple[CapacityLimiter, int]] = {}
        self._inside = 0

    async def run(self, call: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """The call's result, when its turn has come; raises Busy where the line is full."""
        with self._counted():
            return await self._in_thread(partial(call, *args, **kwargs))

    async def run_for(self, owner: Hashable, call: Callable[[], T]) -> T:
        """The same, where all calls for one owner have half of the threads at most, and half of the line."""
        with self._counted():
            async with self._turn_of(owner):
                return await self._in_thread(call)

    async def _in_thread(self, call: Callable[[], T]) -> T:
        return await to_thread.run_sync(call, limiter=self._limiter)

    @contextmanager
    def _counted(self) -> Iterator[None]:
        if self._inside >= self._most:
            raise Busy(self._what, self._most)
        self._inside += 1
        try:
            yield
        finally:
            self._inside -= 1

    @asynccontextmanager
    async def _turn_of(self, owner: Hashable) -> AsyncIterator[None]:
        limiter, inside = self._shares.get(owner, (CapacityLimiter(self._share), 0))
        if inside >= self._most // 2:
            raise Busy(self._what, inside)
        self._shares[owner] = (limiter, inside + 1)
        try:
            async with limiter:
                yield
        finally:
            limiter, inside = self._shares.pop(owner)
            if inside > 1:
                self._shares[owner] = (limiter, inside - 1)
