"""A bounded cache of loaded models: loading takes long, memory is limited, many threads ask."""

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable
from concurrent.futures import Future
from typing import Generic, TypeVar

V = TypeVar("V")


class ModelCache(Generic[V]):
    """Keeps what was used last, up to a number of bytes. Safe to share between threads.

    What is asked for by several threads at once is loaded by one of them. What is larger than the whole cache is
    returned but not kept. A key must mean the same value for ever: the id of a version does.
    """

    def __init__(self, limit_bytes: int) -> None:
        self._limit = limit_bytes
        self._lock = threading.Lock()
        self._kept: OrderedDict[Hashable, tuple[V, int]] = OrderedDict()
        self._loading: dict[Hashable, Future[V]] = {}
        self._hits = self._misses = self._nbytes = 0

    @property
    def hits(self) -> int:
        """How often nothing had to be loaded, or another thread was at it already."""
        return self._hits

    @property
    def misses(self) -> int:
        """How often `load` was called."""
        return self._misses

    @property
    def nbytes(self) -> int:
        """What the kept values take, in bytes."""
        return self._nbytes

    def get(self, key: Hashable, load: Callable[[], tuple[V, int]]) -> V:
        """The value, from `load` -> (value, bytes) where it is not kept. An error of `load` goes to all who wait."""
        with self._lock:
            if key in self._kept:
                self._hits += 1
                self._kept.move_to_end(key)
                return self._kept[key][0]
            future = self._loading.get(key)
            mine = future is None
            if future is None:
                self._misses += 1
                future = self._loading[key] = Future()
            else:
                self._hits += 1
        if mine:
            self._load(key, load, future)
        return future.result()

    def _load(self, key: Hashable, load: Callable[[], tuple[V, int]], future: "Future[V]") -> None:
        try:
            value, nbytes = load()
        except BaseException as error:
            with self._lock:
                del self._loading[key]
            future.set_exception(error)
            return
        with self._lock:
            del self._loading[key]
            if nbytes <= self._limit:
                self._kept[key] = (value, nbytes)
                self._nbytes += nbytes
            while self._nbytes > self._limit:
                _, (_, freed) = self._kept.popitem(last=False)
                self._nbytes -= freed
        future.set_result(value)
