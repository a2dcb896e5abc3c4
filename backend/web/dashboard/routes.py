"""The pages' addresses. Each page is a function of the registry alone; nothing here waits for Label Studio."""

from typing import Annotated, Any

from fastapi import APIRouter, HTTPException, Path, Query, Request, Response
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import JSONResponse

from backend.errors import MediaError, MicroModelsError
from backend.loop.pages.group_page import group_page
from backend.loop.pages.overview import front, group_list, project_page
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
DEFAULT_PORT = 9090
"""At which `connect` expects this backend where nobody names another."""
LIVE = "live"
"""The part of a page that its script asks for again and again."""


def dashboard_routes(services: Services, pages: Pages, bodies: Bodies) -> APIRouter:
    """Routes of the dashboard."""
    routes = APIRouter(include_in_schema=False)
    thumbnails, pictures, downloads = Thumbnails(services), Lane("pictures", 6, 200), Downloads(services)

    def answer(request: Request, template: str, part: str = "", status: int = 200, **content: Any) -> Response:
        root = request.scope.get("root_path", "")
        if part == LIVE:
            return pages.live(template, root=root, **content)
        said = DONE.get(request.query_params.get("done", ""))
        return pages.page(template, status=status, root=root, **{"said": said, "refused": None, **content})

    def group(request: Request, project: int, name: str, page: int, part: str = "", **more: Any) -> Response:
        view = group_page(services, project, name, page, whole=part != LIVE)
        if view is None:
            what = f"Project {project} has no group “{name}”. It may have been renamed, or its tasks deleted."
            raise HTTPException(404, what)
        return answer(request, "group.html", part, view=view, chart=chart(view.efficiency.rounds), **more)

    @routes.get("/")
    def first(request: Request, part: Part = "", search: Annotated[str, Query(max_length=500)] = "") -> Response:
        if asks_for_json(request.headers):
            return JSONResponse(UP)
        port = services.settings.port
        backend = f" --backend-url http://localhost:{port}" if port != DEFAULT_PORT else ""
        return answer(request, "front.html", part, view=front(services), search=search, backend=backend)

    @routes.get("/projects/{project}")
    def one_project(
        request: Request,
        project: Id,
        part: Part = "",
        search: Annotated[str, Query(max_length=500)] = "",
        sort: Annotated[str, Query()] = "state",
        descending: bool = False,
        page: Page = 1,
    ) -> Response:
        view = project_page(services, project)
        if view is None:
            what = f"Project {project} is not connected. Run `micro-models connect --project {project}`."
            raise HTTPException(404, what)
        found = group_list(services, project, search, sort, descending, page)
        return answer(
            request, "project.html", part, view=view, list=found, search=search, sort=found.sort, descending=descending
        )

    @routes.get("/projects/{project}/groups/{name:path}")
    def one_group(
        request: Request,
        project: Id,
        name: str,
        part: Part = "",
        page: Page = 1,
        named: Annotated[str, Query(alias="name")] = "",
    ) -> Response:
        return group(request, project, name or named, page, part)

    @routes.post("/projects/{project}/actions")
    async def ordered(request: Request, project: Id) -> Response:
        if not from_our_page(request.headers):
            raise HTTPException(403, "This comes from no page of ours, so nothing was done. Use the dashboard.")
        form = await bodies.form(request)
        try:
            done = await run_in_threadpool(act, services, project, form)
        except Refused as error:
            raise HTTPException(422, str(error)) from None
        except MicroModelsError as error:
            if "group" not in form:
                raise HTTPException(409, str(error)) from None
            return await run_in_threadpool(
                group, request, project, form.get("group", ""), 1, status=409, refused=str(error)
            )
        root, name = request.scope.get("root_path", ""), form.get("group")
        path = group_path(project, name) if name is not None else f"/projects/{project}"
        if done == "forget":
            path = "/"
        return Response(status_code=303, headers={"Location": f"{root}{path}{'&' if '?' in path else '?'}done={done}"})

    @routes.post("/projects/{project}/export")
    async def exported(request: Request, project: Id) -> Response:
        if not from_our_page(request.headers):
            raise HTTPException(403, "This comes from no page of ours, so nothing was done. Use the dashboard.")
        return await run_in_threadpool(downloads.answer, project, await bodies.form(request))

    @routes.get("/projects/{project}/tasks/{task}/thumbnail")
    async def thumbnail(project: Id, task: Id, v: str = "", frame: Frame = None) -> Response:
        try:
            return await pictures.run(drawn, project, task, v, frame)
        except Busy as busy:
            svg = placeholder(str(busy.detail)).encode()
            return picture(svg, "image/svg+xml", "no-store", status=busy.status_code, **(busy.headers or {}))

    def drawn(project: int, task: int, v: str, frame: int | None) -> Response:
        record, found = services.registry.projects.get(project), services.registry.tasks.get(project, task)
        if record is None or found is None:
            raise HTTPException(404, f"Project {project} has no task {task}.")
        try:
            return picture(thumbnails.jpeg(record, found, frame), "image/jpeg", A_YEAR if v else "no-cache")
        except MicroModelsError as error:
            why = str(error) if isinstance(error, MediaError) else f"Label Studio did not give it: {error}"
            return picture(placeholder(why).encode(), "image/svg+xml", "no-store")

    @routes.get("/static/{name}")
    def asset(name: str) -> Response:
        found = static_file(name)
        if found is None:
            raise HTTPException(404, f"There is no file {name}.")
        return found

    return routes
