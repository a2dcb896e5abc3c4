"""Connection limits: none may be kept open by saying little, and strangers cannot take all of them."""

import asyncio
from typing import Any

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

HEAD_SECONDS = 10.0
"""For the head of a request, and to fetch some more of an answer."""
PIECE_SECONDS = 5.0
"""Until the next piece of a body comes. How long all of it may take is the matter of `bodies`."""
MOST_CONNECTIONS = 512
"""Open at the same time; together with BACKLOG and our own files fewer than 1024, which is what processes often may open."""
BACKLOG = 128
"""Accepted at once before we get to see them."""


class PatientProtocol(H11Protocol):
    """uvicorn's HTTP/1.1 with an end to its patience. It has timeouts between requests only, none within a head."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._timer: asyncio.TimerHandle | None = None
        self._unsent = 0
        self._since = self.loop.time()

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Begin to wait for a request; where there are too many, those that have let us wait longest go."""
        super().connection_made(transport)
        self._watch()
        if len(self.connections) > MOST_CONNECTIONS:
            mine = [c for c in self.connections if isinstance(c, PatientProtocol) and not c.transport.is_closing()]
            waiting = sorted((c for c in mine if c.is_waiting), key=lambda c: c._since)
            for connection in waiting[: max(0, len(mine) - MOST_CONNECTIONS)]:
                connection.transport.abort()

    def connection_lost(self, exc: Exception | None) -> None:
        """Wait for nothing any more."""
        super().connection_lost(exc)
        self._stop_timer()

    def data_received(self, data: bytes) -> None:
        """Each piece of a body is waited for anew; a head is not."""
        if not self._must_hurry:
            self._stop_timer()
        super().data_received(data)

    def handle_events(self) -> None:
        """Wait on where the head or the body is not complete yet, else no more."""
        super().handle_events()
        self._watch()

    def on_response_complete(self) -> None:
        """Wait for the next request."""
        self._since, self._unsent = self.loop.time(), self.transport.get_write_buffer_size()
        self._stop_timer()
        super().on_response_complete()
        self._watch()

    def send_400_response(self, msg: str) -> None:
        """Say that it is no HTTP, unless an answer has begun already."""
        try:
            super().send_400_response(msg)
        except h11.LocalProtocolError:
            self.transport.abort()

    def pause_writing(self) -> None:
        """Wait for the client to fetch what is there."""
        super().pause_writing()
        self._unsent = self.transport.get_write_buffer_size()
        self._watch()

    def resume_writing(self) -> None:
        """Wait for it no more."""
        super().resume_writing()
        self._watch()

    @property
    def is_waiting(self) -> bool:
        """Whether it is the client's turn: to say something, to say the rest of it, or to fetch the answer."""
        return self._must_hurry or self._must_go_on

    @property
    def _must_hurry(self) -> bool:
        return self.cycle is None or self.cycle.response_complete or self.flow.write_paused

    @property
    def _must_go_on(self) -> bool:
        return self.cycle.more_body and not (self.cycle.waiting_for_100_continue or self.flow.read_paused)

    def _watch(self) -> None:
        if not (self._must_hurry or self._must_go_on):
            self._stop_timer()
        elif self._timer is None:
            seconds = HEAD_SECONDS if self._must_hurry else PIECE_SECONDS
            self._timer = self.loop.call_later(seconds, self._late)

    def _late(self) -> None:
        self._timer = None
        left, before = self.transport.get_write_buffer_size(), self._unsent
        if 0 < left < before:  # a long answer is being fetched
            self._unsent = left
            self._watch()
        else:
            self.transport.abort()

    def _stop_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
