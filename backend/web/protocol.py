"""The ML-backend protocol: what Label Studio 1.23 calls, and the older names that cost nothing.

Every answer is 200 with a JSON object wherever Label Studio would hide an error from the annotator.
"""

import json
from collections.abc import Mapping
from typing import Annotated, Any

import structlog
from fastapi import APIRouter, Body, Depends, HTTPException, Request
from fastapi.concurrency import run_in_threadpool

from backend.errors import InboxError, StudioError
from backend.hooks import MicroModelBackend
from backend.loop.predict import Predictor
from backend.loop.services import Services
from backend.studio import project_key
from backend.web.auth import BasicAuth, webhook_allowed
from backend.web.lanes import Lane

log = structlog.get_logger(__name__)
Json = Annotated[dict[str, Any], Body()]


def protocol_routes(services: Services, predictor: Predictor) -> APIRouter:
    """Routes of the protocol."""
    auth = BasicAuth(services.settings)
    # An event waits for no writer and no picture; predictions and projects that are set up do, of the registry and others.
    events, setups, predictions = Lane("events", 16, 4000), Lane("setup", 8, 500), Lane("predictions", 8, 200)
    routes = APIRouter()
    guarded = APIRouter(dependencies=[Depends(auth)])

    def backend(project: Any, config: Any) -> MicroModelBackend:
        number = _number(project)
        if number is None:
            raise HTTPException(422, f"project is {project!r}, expected a number or Label Studio's '<id>.<created>'.")
        return MicroModelBackend(services, predictor, number, config if isinstance(config, str) else None)

    @routes.get("/health")
    async def health() -> dict[str, str]:
        return {"status": "UP", "model_class": MicroModelBackend.__name__}

    @guarded.post("/setup")
    async def setup(body: Json, request: Request) -> dict[str, str]:
        project, host = backend(body.get("project"), body.get("schema")), request.headers.get("host", "")
        return {"model_version": await setups.run(project.setup_project, body.get("extra_params"), host)}

    @guarded.post("/predict")
    async def predict(body: Json) -> dict[str, Any]:
        tasks, params = body.get("tasks"), body.get("params")
        if not isinstance(tasks, list):
            raise HTTPException(422, f"tasks is {type(tasks).__name__}, expected a list.")
        context = params.get("context") if isinstance(params, Mapping) else None
        if body.get("project") is None:
            config = body.get("label_config")
            project = MicroModelBackend(services, predictor, None, config if isinstance(config, str) else None)
        else:
            project = backend(body["project"], body.get("label_config"))
        return {"results": await predictions.run(project.predict, tasks, context)}

    @routes.post("/webhook")
    async def webhook(request: Request) -> dict[str, str]:
        raw, headers = await request.body(), request.headers
        answer = await events.run(_take_event, services, predictor, auth, raw, headers)
        request.state.ignored = answer["status"].startswith("ignored")  # for the metrics
        return answer

    @guarded.get("/versions")
    async def versions() -> dict[str, list[str]]:
        return {"versions": await run_in_threadpool(_titles, services)}

    routes.include_router(guarded)
    return routes


def _take_event(
    services: Services, predictor: Predictor, auth: BasicAuth, raw: bytes, headers: Mapping[str, str]
) -> dict[str, str]:
    try:
        payload = json.loads(raw)
    except ValueError:
        payload = None
    if not isinstance(payload, dict):
        log.warning("webhook without a JSON object", size=len(raw))
        return {"status": "ignored"}
    action, project = str(payload.pop("action", "")), payload.get("project")
    number = _number(project.get("id") if isinstance(project, Mapping) else project)
    if not webhook_allowed(services, auth, number, action, headers):
        raise HTTPException(401, "The webhook's secret header is missing or wrong; run `micro-models connect` again.")
    try:
        return MicroModelBackend(services, predictor, number or 0).fit(action, payload)
    except InboxError as error:
        log.error("event not kept; its project is compared with Label Studio", project=number, why=str(error))
        raise HTTPException(503, str(error), {"Retry-After": "60"}) from None


def _number(project: Any) -> int | None:
    try:
        return project_key.parse(project)
    except StudioError:
        return None


def _titles(services: Services) -> list[str]:
    """Label Studio drops the project from this call, so all strings that we show are told."""
    titles = {str(p.settings.get("title") or services.settings.title) for p in services.registry.projects.all()}
    return sorted(titles | {services.settings.title})
