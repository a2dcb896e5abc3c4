"""The pages' addresses. Each page is a function of the registry alone; nothing here waits for Label Studio."""

from functools import partial
from typing import Annotated, Any

from fastapi import APIRouter, HTTPException, Path, Query, Request, Response
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import JSONResponse

from backend.errors import MediaError, MicroModelsError
from backend.loop.pages.group_page import group_page
from backend.loop.pages.overview import group_list, index, project_page
from backend.loop.pages.thumbnail import Thumbnails, placeholder
from backend.loop.services import Services
from backend.studio.project_key import LARGEST_ID
from backend.web.bodies import Bodies
from backend.web.dashboard.actions import DONE, Refused, act
from backend.web.dashboard.chart import chart
from backend.web.dashboard.download import Downloads
from backend.web.dashboard.formats import group_path
from backend.web.dashboard.mistakes import asks_for_json
from backend.web.dashboard.rendering import A_YEAR, Pages, picture, static_file
from backend.web.lanes import Busy, Lane
from backend.web.origin import from_our_page
from backend.web.protocol import UP

Id = Annotated[int, Path(ge=1, le=LARGEST_ID)]
Page = Annotated[int, Query(ge=1, le=1_000_000)]
Frame = Annotated[int | None, Query(ge=1, le=LARGEST_ID)]
Part = Annotated[str, Query()]
Search = Annotated[str, Query(max_length=500)]
DEFAULT_PORT = 9090
"""At which `connect` expects this backend where nobody names another."""
LIVE = "live"
"""The part of a page that its script asks for again and again."""


def dashboard_routes(services: Services, pages: Pages, bodies: Bodies) -> APIRouter:
    """Routes of the dashboard."""
    dashboard, routes = _Dashboard(services, pages, bodies), APIRouter(include_in_schema=False)
    project, group = "/projects/{project}", "/projects/{project}/groups/{name:path}"
    routes.get("/")(dashboard.index)
    routes.get(project)(dashboard.project)
    routes.get(group)(dashboard.group)
    routes.post(f"{project}/actions")(dashboard.act)
    routes.post(f"{project}/export")(dashboard.export)
    routes.get(f"{project}/tasks/{{task}}/thumbnail")(dashboard.thumbnail)
    routes.get("/static/{name}")(asset)
    return routes


class _Dashboard:
    """What is answered at each address."""

    def __init__(self, services: Services, pages: Pages, bodies: Bodies) -> None:
        self._services, self._pages, self._bodies = services, pages, bodies
        self._thumbnails, self._downloads = Thumbnails(services), Downloads(services)
        self._pictures = Lane("pictures", 6, 200)

    def index(self, request: Request, part: Part = "", search: Search = "") -> Response:
        if asks_for_json(request.headers):
            return JSONResponse(UP)
        port = self._services.settings.port
        backend = f" --backend-url http://localhost:{port}" if port != DEFAULT_PORT else ""
        return self._answer(request, "index.html", part, view=index(self._services), search=search, backend=backend)

    def project(
        self,
        request: Request,
        project: Id,
        part: Part = "",
        search: Search = "",
        sort: Annotated[str, Query()] = "state",
        descending: bool = False,
        page: Page = 1,
    ) -> Response:
        view = project_page(self._services, project)
        if view is None:
            what = f"Project {project} is not connected. Run `micro-models connect --project {project}`."
            raise HTTPException(404, what)
        groups = group_list(self._services, project, search, sort, descending, page)
        listed: dict[str, Any] = {"list": groups, "search": search, "sort": groups.sort, "descending": descending}
        return self._answer(request, "project.html", part, view=view, **listed)

    def group(
        self,
        request: Request,
        project: Id,
        name: str,
        part: Part = "",
        page: Page = 1,
        named: Annotated[str, Query(alias="name")] = "",
    ) -> Response:
        return self._group(request, project, name or named, page, part)

    async def act(self, request: Request, project: Id) -> Response:
        _require_our_page(request)
        form = await self._bodies.form(request)
        try:
            done = await run_in_threadpool(act, self._services, project, form)
        except Refused as error:
            raise HTTPException(422, str(error)) from None
        except MicroModelsError as error:
            if "group" not in form:
                raise HTTPException(409, str(error)) from None
            refused: dict[str, Any] = {"status": 409, "refused": str(error)}
            return await run_in_threadpool(self._group, request, project, form["group"], 1, **refused)
        root, name = request.scope.get("root_path", ""), form.get("group")
        path = group_path(project, name) if name is not None else f"/projects/{project}"
        if done == "forget":
            path = "/"
        return Response(status_code=303, headers={"Location": f"{root}{path}{'&' if '?' in path else '?'}done={done}"})

    async def export(self, request: Request, project: Id) -> Response:
        _require_our_page(request)
        return await run_in_threadpool(self._downloads.answer, project, await self._bodies.form(request))

    async def thumbnail(self, project: Id, task: Id, v: str = "", frame: Frame = None) -> Response:
        try:
            return await self._pictures.run_for(project, partial(self._thumbnail, project, task, v, frame))
        except Busy as busy:
            svg = placeholder(str(busy.detail)).encode()
            return picture(svg, "image/svg+xml", "no-store", status=busy.status_code, **(busy.headers or {}))

    def _answer(self, request: Request, template: str, part: str = "", status: int = 200, **content: Any) -> Response:
        root = request.scope.get("root_path", "")
        if part == LIVE:
            return self._pages.live(template, root=root, **content)
        said = DONE.get(request.query_params.get("done", ""))
        return self._pages.page(template, status=status, root=root, **{"said": said, "refused": None, **content})

    def _group(self, request: Request, project: int, name: str, page: int, part: str = "", **more: Any) -> Response:
        view = group_page(self._services, project, name, page, whole=part != LIVE)
        if view is None:
            what = f"Project {project} has no group “{name}”. It may have been renamed, or its tasks deleted."
            raise HTTPException(404, what)
        return self._answer(request, "group.html", part, view=view, chart=chart(view.efficiency.rounds), **more)

    def _thumbnail(self, project: int, task: int, v: str, frame: int | None) -> Response:
        registry = self._services.registry
        project_record, task_record = registry.projects.get(project), registry.tasks.get(project, task)
        if project_record is None or task_record is None:
            raise HTTPException(404, f"Project {project} has no task {task}.")
        try:
            jpeg = self._thumbnails.jpeg(project_record, task_record, frame)
            return picture(jpeg, "image/jpeg", A_YEAR if v else "no-cache")
        except MicroModelsError as error:
            why = str(error) if isinstance(error, MediaError) else f"Label Studio did not give it: {error}"
            return picture(placeholder(why).encode(), "image/svg+xml", "no-store")


def asset(name: str) -> Response:
    """A file of the pages: style, script, icon."""
    content = static_file(name)
    if content is None:
        raise HTTPException(404, f"There is no file {name}.")
    return content


def _require_our_page(request: Request) -> None:
    if not from_our_page(request.headers):
        raise HTTPException(403, "This comes from no page of ours, so nothing was done. Use the dashboard.")
