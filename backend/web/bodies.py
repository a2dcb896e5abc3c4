"""Request bodies: read within a limit of bytes, of time, and of what all requests together may hold in memory."""

import asyncio
from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qsl

from fastapi import HTTPException, Request
from fastapi.concurrency import run_in_threadpool

from backend.studio import json_text

MB = 1_000_000
MOST_PREDICT = 128 * MB
"""A thousand tasks in one request, with all their annotations and predictions: 0.5 MB bare, some 100 MB with brush masks."""
MOST_SETUP = 2 * MB
"""A labeling config (at most MOST_CONFIG) and the extra params."""
MOST_WEBHOOK = 64 * MB
"""5,000 tasks or annotations, or a few hundred large brush masks, from a sender who knows a secret."""
MOST_STRANGER = 8 * MB
"""From anybody, for a project that is not protected: some 5,000 tasks, or an annotation with fifty large masks."""
MOST_FORM = 100_000
"""A group's name and a few words."""
AT_ONCE = 256 * MB
"""Bodies of all callers who gave credentials, while they are read; what comes out of them takes about twice as much."""
AT_ONCE_STRANGERS = 32 * MB
"""The same for all others, so that they cannot take the room of those."""
PATIENCE = 10.0
"""Seconds that a body may take whatever its size."""
SLOWEST = 64_000
"""Bytes a second below which a larger body is given up."""
SMALL = 100_000
"""Bytes that are parsed within a millisecond, and not worth a thread."""


class Room:
    """Bytes that bodies may take at the same time."""

    def __init__(self, most: int) -> None:
        self._left = most

    def take(self, size: int) -> None:
        """Raises 503 where there is no room."""
        if size > self._left:
            raise HTTPException(503, "Too many large requests at the same time; try again.", {"Retry-After": "5"})
        self._left -= size

    def release(self, size: int) -> None:
        """The bytes are no longer held."""
        self._left += size


class Bodies:
    """Reads the bodies of one application."""

    def __init__(self) -> None:
        self._known, self._strangers = Room(AT_ONCE), Room(AT_ONCE_STRANGERS)

    async def json(self, request: Request, most: int, stranger: bool = False) -> dict[str, Any]:
        """A JSON object; raises 400, 408, 413, 415, 422 or 503 with what is wrong."""
        _require_json(request)
        room, raw = self._strangers if stranger else self._known, bytearray()
        try:
            await _read(request, most, room, raw)
            value = parse(raw) if len(raw) <= SMALL else await run_in_threadpool(parse, raw)
        finally:
            room.release(len(raw))
        if not isinstance(value, dict):
            raise HTTPException(422, f"The body is {type(value).__name__}, expected a JSON object.")
        return value

    async def form(self, request: Request) -> Mapping[str, str]:
        """The fields of a form as browsers send it by default; raises 400, 408, 413 or 503."""
        raw = bytearray()
        try:
            await _read(request, MOST_FORM, self._known, raw)
        finally:
            self._known.release(len(raw))
        if b"%00" in raw or b"\0" in raw:
            raise HTTPException(400, "The form has a zero character in it.")
        return dict(parse_qsl(raw.decode(errors="replace"), keep_blank_values=True))


def parse(raw: bytearray) -> Any:
    """The value of a body; raises 400."""
    try:
        return json_text.parse(raw)
    except ValueError as error:
        raise HTTPException(400, f"The body is not usable as JSON in UTF-8: {error}.") from None


def _require_json(request: Request) -> None:
    """Pages of other sites can send any other type without asking first."""
    given = request.headers.getlist("content-type")
    kind, _, rest = (given[0] if len(given) == 1 else "").partition(";")
    parameters = {part.strip().lower().replace('"', "") for part in rest.split(";")} - {""}
    if kind.strip().lower() != "application/json" or not parameters <= {"charset=utf-8", "charset=utf8"}:
        raise HTTPException(415, f"The content type is {given[:2]}, expected application/json in UTF-8.")
    if request.headers.get("content-encoding", "identity").lower() != "identity":
        raise HTTPException(415, "The body is compressed, expected plain JSON.")


async def _read(request: Request, most: int, room: Room, raw: bytearray) -> None:
    """Fill `raw`, whose length is what was taken of the room."""
    declared = request.headers.get("content-length", "0")
    if not declared.isdecimal() or int(declared[:20]) > most:
        raise _too_large(declared, most)
    loop = asyncio.get_running_loop()
    started, more = loop.time(), True
    while more:
        try:
            async with asyncio.timeout_at(started + PATIENCE + len(raw) / SLOWEST):
                message = await request.receive()
        except TimeoutError:
            raise HTTPException(408, f"{len(raw)} bytes of the body came, and then too little in time.") from None
        if message["type"] == "http.disconnect":
            raise HTTPException(400, "The body ends before its end.")
        chunk, more = message.get("body", b""), message.get("more_body", False)
        if len(raw) + len(chunk) > most:
            raise _too_large(f"more than {most}", most)
        room.take(len(chunk))
        raw += chunk


def _too_large(size: str, most: int) -> HTTPException:
    return HTTPException(413, f"The body has {size[:30]} bytes, expected at most {most}.")
