"""Timeouts: how long an answer may take, down to the single read, by its time in all and by the bytes that it brings.

The timeouts of an HTTP client count from one byte to the next: a server that sends a byte each few seconds holds its
caller for ever. Here the seconds that a thread waits are counted over a whole answer, and the wait can be ended from
outside within `SLICE_SECONDS`.
"""

import ssl
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path
from typing import Any

import httpcore
import httpx

from backend.cancel import NEVER, CancelToken
from backend.errors import SettingsError

SLICE_SECONDS = 1.0
"""Longest wait without asking whether anybody still wants the answer."""

KEPT_SECONDS = 5.0
"""How long a connection is kept for another request: httpx's own choice."""


class Patience:
    """The time for one answer. Of one thread.

    Each `grace` seconds of waiting must bring `grace * floor` bytes, and all waiting together may take `seconds`. Time in
    which the caller does not wait for bytes (it writes them to a disk) is not counted.
    """

    def __init__(
        self,
        seconds: float,
        grace: float,
        floor: float,
        cancel: CancelToken = NEVER,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """`floor` in bytes a second. `cancel` is asked about each second; what it raises ends the wait."""
        self._seconds, self._grace, self._floor = seconds, grace, floor
        self._cancel, self._clock = cancel, clock
        self._asked = clock()
        self._since = 0.0
        self._bytes = 0
        self.waited = 0.0
        """Seconds, so far."""
        self.received = 0
        """Bytes, so far."""

    @property
    def left(self) -> float:
        """Seconds that may still be waited if nothing comes; 0 or less when patience is at its end."""
        return min(self._seconds - self.waited, self._grace - self._since)

    def read(self, read: Callable[[float], bytes], timeout: float | None) -> bytes:
        """What `read`, given some seconds to wait, brings; httpcore.ReadTimeout after `timeout` or all patience."""
        until = self.waited + (float("inf") if timeout is None else timeout)
        while (seconds := min(SLICE_SECONDS, self.left, until - self.waited)) > 0:
            self._ask()
            started = self._clock()
            try:
                found = read(seconds)
            except httpcore.ReadTimeout:
                self._note(0, max(self._clock() - started, seconds))
                continue
            self._note(len(found), self._clock() - started)
            return found
        raise httpcore.ReadTimeout(f"{self.received} bytes in {self.waited:.0f} s")

    def pause(self, seconds: float) -> None:
        """Wait before another try, which has its own `grace`."""
        until = min(self.waited + seconds, self._seconds)
        while (step := min(SLICE_SECONDS, until - self.waited)) > 0:
            self._ask()
            time.sleep(step)
            self.waited += step
        self._since, self._bytes = 0.0, 0

    def _ask(self) -> None:
        if self._clock() - self._asked >= SLICE_SECONDS:
            self._asked = self._clock()
            self._cancel.check()

    def _note(self, size: int, seconds: float) -> None:
        self.waited += seconds
        self._since += seconds
        self.received += size
        self._bytes += size
        if self._bytes >= self._grace * self._floor:
            self._since, self._bytes = 0.0, 0


_current: ContextVar[Patience | None] = ContextVar("patience", default=None)


@contextmanager
def during(patience: Patience) -> Iterator[Patience]:
    """Let this patience hold for what the thread reads meanwhile; one that holds already goes on holding."""
    outer = _current.get()
    if outer is not None:
        yield outer
        return
    token = _current.set(patience)
    try:
        yield patience
    finally:
        _current.reset(token)


def is_over() -> bool:
    """Whether the thread has waited long enough."""
    patience = _current.get()
    return patience is not None and patience.left <= 0


def pause(seconds: float) -> None:
    """Sleep, as far as the patience goes."""
    patience = _current.get()
    if patience is None:
        time.sleep(seconds)
    else:
        patience.pause(seconds)


def transport(max_connections: int = 100, certificates: Path | None = None) -> httpx.HTTPTransport:
    """An HTTP transport whose reads keep to the patience of their thread. `certificates`: the authorities that it trusts in
    place of the usual ones, a PEM file; raises SettingsError for another."""
    trusted = _trusted(certificates)
    made = httpx.HTTPTransport(verify=trusted)
    # httpx has no argument for the network that its pool stands on.
    made._pool = httpcore.ConnectionPool(
        ssl_context=trusted,
        max_connections=max_connections,
        keepalive_expiry=KEPT_SECONDS,
        network_backend=_Network(),
    )
    return made


def _trusted(certificates: Path | None) -> ssl.SSLContext:
    if certificates is None:
        return httpx.create_ssl_context()
    try:
        if certificates.is_dir():  # as OpenSSL's `c_rehash` makes it, which REQUESTS_CA_BUNDLE may be
            return ssl.create_default_context(capath=certificates)
        return ssl.create_default_context(cafile=certificates)
    except OSError as error:
        raise SettingsError(
            f"The certificates in {certificates} cannot be used: {error.strerror or error}. Expected a PEM file, named by "
            "MICRO_MODELS_CERTIFICATES, SSL_CERT_FILE or REQUESTS_CA_BUNDLE."
        ) from None


class _Network(httpcore.NetworkBackend):
    """Sockets whose reads are patient."""

    def __init__(self) -> None:
        self._inner = httpcore.SyncBackend()

    def connect_tcp(self, *args: Any, **kw: Any) -> httpcore.NetworkStream:
        """See httpcore."""
        return _Stream(self._inner.connect_tcp(*args, **kw))

    def connect_unix_socket(self, *args: Any, **kw: Any) -> httpcore.NetworkStream:
        """See httpcore."""
        return _Stream(self._inner.connect_unix_socket(*args, **kw))

    def sleep(self, seconds: float) -> None:
        """See httpcore."""
        self._inner.sleep(seconds)


class _Stream(httpcore.NetworkStream):
    def __init__(self, inner: httpcore.NetworkStream) -> None:
        self._inner = inner

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        patience = _current.get()
        if patience is None:
            return self._inner.read(max_bytes, timeout)
        return patience.read(lambda seconds: self._inner.read(max_bytes, seconds), timeout)

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self._inner.write(buffer, timeout)

    def close(self) -> None:
        self._inner.close()

    def start_tls(self, *args: Any, **kw: Any) -> httpcore.NetworkStream:
        return _Stream(self._inner.start_tls(*args, **kw))

    def get_extra_info(self, info: str) -> Any:
        return self._inner.get_extra_info(info)
