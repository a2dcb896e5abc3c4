"""Error pages, where a person's browser asked; programs get JSON."""

from fastapi import FastAPI, Request, Response
from fastapi.exception_handlers import http_exception_handler
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.datastructures import Headers
from starlette.exceptions import HTTPException

from backend.errors import PASSING, LabelingConfigError, MicroModelsError, RegistryError, StudioError
from backend.web.dashboard.rendering import Pages
from backend.web.headers import HEADERS

TITLES = {404: "Not found", 422: "Not found", 403: "Refused", 500: "Something went wrong", 503: "Not at the moment"}
STATUS: dict[type[MicroModelsError], int] = {LabelingConfigError: 422, RegistryError: 409, StudioError: 502}
"""Of errors that no route has an answer of its own for; 500 for all others."""


class Mistakes:
    """Answers to what cannot be done."""

    def __init__(self, pages: Pages) -> None:
        self._pages = pages

    def catch_all_of(self, app: FastAPI) -> None:
        """Have the application answer with these."""
        app.exception_handler(HTTPException)(self.refused)
        app.exception_handler(RequestValidationError)(self.impossible)
        app.exception_handler(MicroModelsError)(self.expected)
        app.exception_handler(Exception)(self.unexpected)

    async def refused(self, request: Request, error: HTTPException) -> Response:
        """What we do not do for this caller. A browser asks for the password itself."""
        if not _is_person(request) or error.status_code == 401:
            return await http_exception_handler(request, error)
        what = f"There is no page {request.url.path}." if error.detail == "Not Found" else str(error.detail)
        return self._page(request, error.status_code, what)

    async def impossible(self, request: Request, error: RequestValidationError) -> Response:
        """An address with something in it that cannot be. What was sent is not repeated: it may be anything."""
        if not _is_person(request):
            found = [{"loc": list(map(str, e["loc"])), "msg": e["msg"], "type": e["type"]} for e in error.errors()]
            return JSONResponse({"detail": found}, 422)
        found_here = "; ".join(f"{e['loc'][-1]}: {e['msg']}" for e in error.errors())
        return self._page(request, 422, f"The address has something impossible in it. {found_here}.")

    async def expected(self, request: Request, error: MicroModelsError) -> Response:
        """An error of ours, which says what to do."""
        status = _status_of(error)
        if not _is_person(request):
            return JSONResponse({"error": str(error)}, status)
        return self._page(request, status, str(error))

    async def unexpected(self, request: Request, error: Exception) -> Response:
        """A mistake in the program: the log has all of it, the caller nothing."""
        return JSONResponse({"error": "Something went wrong here; the log says what."}, 500, HEADERS)

    def _page(self, request: Request, status: int, what: str) -> Response:
        root = request.scope.get("root_path", "")
        title = TITLES.get(status, "Refused")
        return self._pages.page("missing.html", status=status, root=root, title=title, what=what)


def _status_of(error: MicroModelsError) -> int:
    """503 where the same request succeeds once something is mended that is not ours."""
    if isinstance(error, PASSING):
        return 503
    return next((status for kind, status in STATUS.items() if isinstance(error, kind)), 500)


def asks_for_json(headers: Headers) -> bool:
    """Whether a program asks that names JSON and no page."""
    accept = headers.get("accept", "")
    return "application/json" in accept and "text/html" not in accept


def _is_person(request: Request) -> bool:
    return "text/html" in request.headers.get("accept", "")
