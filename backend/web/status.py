"""What is going on, for people's tools: status and metrics."""

from typing import Annotated, Any

from fastapi import APIRouter, Query, Request, Response
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import JSONResponse

from backend.loop.pages.status import project_status
from backend.loop.probing import PATH, answer
from backend.loop.services import Services
from backend.loop.worker.health import health_problems
from backend.studio.project_key import LARGEST_ID
from backend.web.auth import BasicAuth
from backend.web.metrics import Metrics


def status_routes(services: Services, metrics: Metrics, auth: BasicAuth) -> APIRouter:
    """Routes of status, metrics and readiness; who may call them, the Door knows."""
    routes = APIRouter()

    @routes.get("/ready")
    async def ready(request: Request) -> Response:
        # A probe has no password; it is told less.
        details = await run_in_threadpool(
            health_problems, services, details=not auth.demanded or auth.vouches(request.headers)
        )
        status = "not ready" if details else "ready"
        return JSONResponse({"status": status, "why": details}, 503 if details else 200, {"Cache-Control": "no-store"})

    @routes.get("/status")
    async def status(project: Annotated[int, Query(ge=1, le=LARGEST_ID)]) -> dict[str, Any]:
        return await run_in_threadpool(project_status, services, project)

    @routes.get(PATH)
    async def connection(
        project: Annotated[int, Query(ge=1, le=LARGEST_ID)], nonce: Annotated[str, Query(min_length=16, max_length=100)]
    ) -> dict[str, Any]:
        return await run_in_threadpool(answer, services, project, nonce)

    @routes.get("/metrics")
    async def prometheus() -> Response:
        return Response(await run_in_threadpool(metrics.render), media_type=metrics.media_type)

    return routes
