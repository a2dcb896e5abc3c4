"""Errors as pages, where a person's browser asked; programs get JSON as ever."""

from fastapi import FastAPI, Request, Response
from fastapi.exception_handlers import http_exception_handler, request_validation_exception_handler
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException

from backend.errors import PASSING, MicroModelsError
from backend.web.dashboard.rendering import Pages

TITLES = {404: "Not found", 422: "Not found", 403: "Refused", 500: "Something went wrong", 503: "Not at the moment"}


def tell_people(app: FastAPI, pages: Pages) -> None:
    """Have the application answer browsers with a page that says what is wrong."""

    def page(request: Request, status: int, what: str) -> Response:
        root = request.scope.get("root_path", "")
        title = TITLES.get(status, "Refused")
        return pages.page("missing.html", status=status, root=root, title=title, what=what)

    @app.exception_handler(HTTPException)
    async def refused(request: Request, error: HTTPException) -> Response:
        if not _is_person(request) or error.status_code == 401:
            return await http_exception_handler(request, error)
        what = f"There is no page {request.url.path}." if error.detail == "Not Found" else str(error.detail)
        return page(request, error.status_code, what)

    @app.exception_handler(RequestValidationError)
    async def impossible(request: Request, error: RequestValidationError) -> Response:
        if not _is_person(request):
            return await request_validation_exception_handler(request, error)
        found = "; ".join(f"{e['loc'][-1]}: {e['msg']}" for e in error.errors())
        return page(request, 422, f"The address has something impossible in it. {found}.")

    @app.exception_handler(MicroModelsError)
    async def expected(request: Request, error: MicroModelsError) -> Response:
        if not _is_person(request):
            return JSONResponse({"error": str(error)}, _status_of(error))
        return page(request, _status_of(error), str(error))


def _status_of(error: MicroModelsError) -> int:
    """503 where the same request succeeds once something is mended that is not ours."""
    return 503 if isinstance(error, PASSING) else 500


def _is_person(request: Request) -> bool:
    return "text/html" in request.headers.get("accept", "")
