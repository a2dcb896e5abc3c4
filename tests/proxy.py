"""A load balancer in front of servers on this machine, which can also play their failures."""

import asyncio
import itertools
import threading
from contextlib import suppress
from typing import Literal

Fault = Literal["", "silent", "500"]
"""Nothing; connections are cut and not taken; every request is answered with HTTP 500."""
BROKEN = b"HTTP/1.1 500 Internal Server Error\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
CHUNK = 1 << 16


class Proxy:
    """Hands each new connection to the next of `targets` (host, port); one that refuses is passed over."""

    def __init__(self, *targets: tuple[str, int]) -> None:
        self._targets = targets
        self._turns = itertools.count()
        self._fault: Fault = ""
        self.failed = 0
        """Connections that met a fault: cut, not taken, or answered with 500."""
        self._open: set[asyncio.StreamWriter] = set()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)

    def __enter__(self) -> "Proxy":
        self._thread.start()
        self._server = asyncio.run_coroutine_threadsafe(
            asyncio.start_server(self._serve, "127.0.0.1", 0), self._loop
        ).result(10)
        self.port: int = self._server.sockets[0].getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"
        return self

    def __exit__(self, *_: object) -> None:
        asyncio.run_coroutine_threadsafe(self._end(), self._loop).result(10)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)
        self._loop.close()

    def play(self, fault: Fault) -> None:
        """Fail from now on, also on connections that are open; "" ends it."""
        asyncio.run_coroutine_threadsafe(self._play(fault), self._loop).result(10)

    async def _play(self, fault: Fault) -> None:
        self._fault = fault
        if fault:
            self.failed += len(self._open)
            for writer in self._open:
                writer.transport.abort()

    async def _end(self) -> None:
        self._server.close()
        await self._play("silent")
        others = asyncio.all_tasks() - {asyncio.current_task()}  # type: ignore[arg-type]
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._open.add(writer)
        self.failed += bool(self._fault)
        try:
            if self._fault == "500":
                await _answer_broken(reader, writer)
            elif not self._fault:
                await self._pass_on(reader, writer)
        finally:
            self._open.discard(writer)
            writer.transport.abort()

    async def _pass_on(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        first = next(self._turns) % len(self._targets)
        for host, port in (*self._targets[first:], *self._targets[:first]):
            with suppress(OSError):
                answers, requests = await asyncio.open_connection(host, port)
                break
        else:
            return
        try:
            await asyncio.gather(_copy(reader, requests), _copy(answers, writer))
        finally:
            requests.transport.abort()


async def _copy(source: asyncio.StreamReader, target: asyncio.StreamWriter) -> None:
    with suppress(OSError):
        while data := await source.read(CHUNK):
            target.write(data)
            await target.drain()
        target.write_eof()


async def _answer_broken(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """The answer, then wait until the other side has read it and hangs up: closing at once might cut it."""
    with suppress(OSError, TimeoutError):
        await reader.read(CHUNK)
        writer.write(BROKEN)
        await writer.drain()
        async with asyncio.timeout(1):
            while await reader.read(CHUNK):
                pass
