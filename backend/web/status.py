"""What is going on, for people's tools: status and metrics."""

from typing import Annotated, Any

from fastapi import APIRouter, Query, Response
from fastapi.concurrency import run_in_threadpool

from backend.loop.services import Services
from backend.loop.status import project_status
from backend.studio.project_key import LARGEST_ID
from backend.web.metrics import Metrics


def status_routes(services: Services, metrics: Metrics) -> APIRouter:
    """Routes of status and metrics."""
    routes = APIRouter()

    @routes.get("/status")
    async def status(project: Annotated[int, Query(ge=1, le=LARGEST_ID)]) -> dict[str, Any]:
        return await run_in_threadpool(project_status, services, project)

    @routes.get("/metrics")
    async def prometheus() -> Response:
        return Response(await run_in_threadpool(metrics.render), media_type=metrics.media_type)

    return routes
