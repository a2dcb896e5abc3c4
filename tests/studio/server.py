"""A Label Studio in a few lines, for tests without one."""

import json
import time
from collections.abc import Callable
from typing import Any

import httpx
import jwt

from backend.studio.client import Studio

URL = "http://ls.example"
LEGACY = "0123456789abcdef"

Answer = Callable[[httpx.Request], httpx.Response]


def token(kind: str, lifetime: float, now: float | None = None) -> str:
    """A JWT as Label Studio makes them; `number` keeps two of the same second apart."""
    until = (time.time() if now is None else now) + lifetime
    return jwt.encode({"token_type": kind, "exp": int(until)}, "a secret of at least thirty-two bytes, for tests")


class Server:
    """Answers by (method, path), records every request."""

    def __init__(self) -> None:
        self.routes: dict[tuple[str, str], Answer] = {}
        self.requests: list[httpx.Request] = []
        self.pauses: list[float] = []

    def on(self, method: str, path: str, status: int = 200, body: Any = None, **fields: Any) -> None:
        """Give a fixed answer."""
        self.routes[method, path] = lambda request: httpx.Response(status, json=body, **fields)

    def answer(self, method: str, path: str, answer: Answer) -> None:
        """Give a computed answer."""
        self.routes[method, path] = answer

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        answer = self.routes.get((request.method, request.url.path))
        return answer(request) if answer else httpx.Response(404, json={"detail": "Not found."})

    def studio(self, url: str = URL, key: str = LEGACY, clock: Callable[[], float] = time.time) -> Studio:
        """A client of this server; its pauses are recorded and not waited for."""
        transport = httpx.MockTransport(self)
        return Studio(url, key, transport=transport, clock=clock, sleep=self.pauses.append)

    def sent(self, method: str, path: str) -> list[Any]:
        """The JSON bodies of the requests to one place."""
        found = [r for r in self.requests if (r.method, r.url.path) == (method, path)]
        return [json.loads(request.content) if request.content else None for request in found]
