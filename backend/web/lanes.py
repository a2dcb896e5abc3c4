"""Bulkheads: threads for what takes a while, counted by kind; a slow kind fills its own lane and no other."""

from collections.abc import Callable
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
    """A number of threads, and a line before them that has an end."""

    def __init__(self, what: str, threads: int, line: int) -> None:
        self._what, self._most = what, threads + line
        self._limiter = CapacityLimiter(threads)
        self._inside = 0  # counted in the event loop's thread alone

    async def run(self, call: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """The call's result, when its turn has come; raises Busy where the line is full."""
        if self._inside >= self._most:
            raise Busy(self._what, self._most)
        self._inside += 1
        try:
            return await to_thread.run_sync(partial(call, *args, **kwargs), limiter=self._limiter)
        finally:
            self._inside -= 1
