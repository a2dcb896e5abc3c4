"""The download of a data set from the project's and a group's page."""

import threading
from collections.abc import Iterator, Mapping
from itertools import chain
from typing import get_args

from fastapi import HTTPException
from fastapi.responses import StreamingResponse

from backend.errors import MicroModelsError
from backend.loop.export.archive import archive
from backend.loop.export.run import FORMATS
from backend.loop.export.wanted import ExportRequest, Predictions
from backend.loop.services import Services
from backend.web.lanes import Busy

AT_ONCE = 2
"""Downloads that are made at a time: each takes a core while it goes on."""


class Downloads:
    """Makes them, a few at a time."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self._free = threading.Semaphore(AT_ONCE)

    def answer(self, project: int, form: Mapping[str, str]) -> StreamingResponse:
        """The ZIP that a form asks for; raises HTTPException with what is wrong. Called in a thread."""
        wanted = _wanted(project, form)
        if not self._free.acquire(blocking=False):
            raise Busy("data sets", AT_ONCE)
        pieces = self._pieces(wanted)
        try:
            first = next(pieces)  # what cannot be had is told before the answer begins
        except MicroModelsError as error:
            raise HTTPException(409, str(error)) from None
        named = {"Content-Disposition": f'attachment; filename="project-{project}-{wanted.format}.zip"'}
        return StreamingResponse(chain([first], pieces), media_type="application/zip", headers=named)

    def _pieces(self, wanted: ExportRequest) -> Iterator[bytes]:
        try:
            yield from archive(self._services, wanted)
        finally:
            self._free.release()


def _wanted(project: int, form: Mapping[str, str]) -> ExportRequest:
    format_, predictions = form.get("format", ""), form.get("predictions", "none")
    if format_ not in FORMATS:
        raise HTTPException(422, f"The form asks for the format {format_!r}, expected one of: {', '.join(FORMATS)}.")
    known = {word: word for word in get_args(Predictions)}
    if predictions not in known:
        raise HTTPException(422, f"The form asks for predictions {predictions!r}, expected one of: {', '.join(known)}.")
    return ExportRequest(project, format_, form.get("group"), known[predictions])
