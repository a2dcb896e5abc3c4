"""Log deduplication: what goes wrong again and again is said once, when it begins, when it changes, and when it is over."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

import structlog

from backend.errors import MicroModelsError, in_words

log = structlog.get_logger(__name__)


class Complaints:
    """What goes wrong at present in one process, by what it concerns. Thread-safe."""

    def __init__(self) -> None:
        self._said: dict[str, str] = {}
        self._lock = threading.Lock()

    @contextmanager
    def about(self, what: str) -> Iterator[None]:
        """Do something that is done again and again, and must not end its thread, whatever it raises."""
        try:
            yield
        except BaseException as error:
            self._complain(what, error)
        else:
            with self._lock:
                over = self._said.pop(what, None)
            if over is not None:
                log.info("it works again", what=what)

    @property
    def newest(self) -> str | None:
        """What began to go wrong last and still does, in words."""
        with self._lock:
            return next((f"{what}: {why}" for what, why in reversed(self._said.items())), None)

    def _complain(self, what: str, error: BaseException) -> None:
        why = in_words(error)
        with self._lock:
            known = self._said.get(what) == why
            self._said[what] = why
        if not known:
            trace = None if isinstance(error, MicroModelsError) else error
            log.error("it failed; tried again, and said once", what=what, why=why, exc_info=trace)
