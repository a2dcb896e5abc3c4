"""Access control by a request's head: who comes in at all, before anything of the body is read."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress

from fastapi import HTTPException, Request, Response
from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from backend.settings import Settings
from backend.web.auth import BasicAuth
from backend.web.headers import complete
from backend.web.hosts import AllowedHosts
from backend.web.origin import from_elsewhere
from backend.web.prefix import prefixed

OPEN = frozenset({"/health", "/ready"})
"""What anybody may ask: whether we run."""
OF_WEBHOOKS = "/webhook"
"""Has credentials of its own: see WebhookAuth."""
LINGER_SECONDS = 10.0
"""For how long an unwanted body is thrown away piece by piece: most senders read the answer when they have sent all."""

Refuse = Callable[[Request, HTTPException], Awaitable[Response]]


class Door:
    """ASGI: lets in who may come, and sees that every answer has our headers and ends."""

    def __init__(self, app: ASGIApp, settings: Settings, auth: BasicAuth, refuse: Refuse) -> None:
        self._app, self._auth, self._refuse = app, auth, refuse
        self._hosts = AllowedHosts(settings)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        scope = prefixed(scope)
        exchange = _Exchange(scope, receive, send)
        request = Request(scope, exchange.receive)
        try:
            self._check(scope, request.headers)
        except HTTPException as refusal:
            answer = await self._refuse(request, refusal)
            await answer(scope, exchange.receive, exchange.send)
        else:
            await self._app(scope, exchange.receive, exchange.send)

    def _check(self, scope: Scope, headers: Headers) -> None:
        """Raises the HTTPException that is the answer."""
        hosts = headers.getlist("host")
        if not self._hosts.allow(hosts):
            raise HTTPException(
                421,
                f"This backend is not called {', '.join(hosts)[:100]!r}. If it is, set "
                'MICRO_MODELS_ALLOWED_HOSTS to a JSON list of its names, such as ["models.example.org"].',
            )
        if from_elsewhere(scope["method"], headers, self._hosts.configured):
            raise HTTPException(403, "Another site's page asks for this, so nothing was done. Use the dashboard.")
        if "\0" in scope["path"] or b"%00" in scope["query_string"]:
            raise HTTPException(400, "The address has a zero character in it.")
        if "transfer-encoding" in headers and "content-length" in headers:
            raise HTTPException(400, "The request gives the length of its body twice.")
        path = scope["path"].removeprefix(scope.get("root_path", ""))
        if path not in OPEN and (path != OF_WEBHOOKS or scope["method"] != "POST"):
            self._auth.check(headers)


class _Exchange:
    """One request's messages; where its body takes too long to be thrown away, the connection ends with the answer."""

    def __init__(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers = Headers(scope=scope)
        self._receive, self._send = receive, send
        self._unread = headers.get("content-length", "0") != "0" or "transfer-encoding" in headers
        # Who asks first whether to send it has sent nothing yet.
        self._asks = "expect" in headers

    async def receive(self) -> Message:
        """The next part of the body."""
        message = await self._receive()
        self._unread = self._unread and message["type"] == "http.request" and bool(message.get("more_body"))
        return message

    async def send(self, message: Message) -> None:
        """The next part of the answer."""
        if message["type"] == "http.response.start":
            if self._unread and not self._asks:
                await self._throw_away()
            headers = MutableHeaders(scope=message)
            complete(headers)
            if self._unread:
                headers["Connection"] = "close"
        await self._send(message)

    async def _throw_away(self) -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(LINGER_SECONDS):
                while self._unread:
                    await self.receive()
