"""Templates to answers."""

import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

from fastapi import Response
from fastapi.responses import HTMLResponse
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from backend.loop.export.run import FORMATS
from backend.web.dashboard import formats

FOLDER = Path(__file__).parent.parent
STATIC = {"dashboard.css": "text/css", "dashboard.js": "text/javascript", "icon.svg": "image/svg+xml"}
"""The files that pages load, and what they are."""
A_YEAR = "private, max-age=31536000, immutable"
"""For addresses that change with their content."""


class Pages:
    """The templates; `clock` gives seconds since the epoch."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._templates = Environment(
            loader=FileSystemLoader(FOLDER / "templates"),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        for name in ("code", "percent", "score", "sure", "minutes", "number", "seconds", "iso", "size"):
            self._templates.filters[name] = getattr(formats, name)
        self._templates.tests["holds"] = lambda text, part: part.casefold() in text.casefold()
        self._templates.globals |= {"group_path": formats.group_path, "asset": _asset_path, "export_formats": FORMATS}

    def page(self, template: str, *, status: int = 200, root: str = "", **content: Any) -> HTMLResponse:
        """A whole page; `root` is the path prefix under which a proxy serves us."""
        text = self._templates.get_template(template).render(self._context(root, content))
        return HTMLResponse(text, status)

    def live(self, template: str, *, root: str = "", **content: Any) -> HTMLResponse:
        """The part of a page that changes by itself, which the script asks for again and again."""
        found = self._templates.get_template(template)
        context = found.new_context(self._context(root, content))
        return HTMLResponse("".join(found.blocks["live"](context)))

    def _context(self, root: str, content: dict[str, Any]) -> dict[str, Any]:
        now = self._clock()
        return {"root": root, "now": now, "ago": lambda at: formats.ago(at, now), **content}


def picture(content: bytes, media_type: str, cache: str, status: int = 200, **headers: str) -> Response:
    """A thumbnail or a file of ours."""
    return Response(content, status, {"Cache-Control": cache, **headers}, media_type)


def static_file(name: str) -> Response | None:
    """One of the files that pages load; None for any other name."""
    if name not in STATIC:
        return None
    return picture((FOLDER / "static" / name).read_bytes(), STATIC[name], A_YEAR)


def _asset_path(name: str) -> str:
    content = (FOLDER / "static" / name).read_bytes()
    return f"/static/{name}?v={hashlib.sha256(content).hexdigest()[:12]}"
