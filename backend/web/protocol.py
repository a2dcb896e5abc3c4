"""The ML-backend protocol: what Label Studio 1.23 calls, and the older names that cost nothing.

Every answer to Label Studio is 200 with a JSON object; what it never sends is refused with the reason.
"""

import reprlib
from collections.abc import Mapping
from typing import Any

import structlog
from fastapi import APIRouter, HTTPException, Request
from fastapi.concurrency import run_in_threadpool

from backend.errors import InboxError, StudioError
from backend.hooks import MicroModelBackend
from backend.loop.predict.on_demand import Predictor
from backend.loop.predict.prompted import no_object
from backend.loop.services import Services
from backend.studio import project_key
from backend.studio.prompts import is_prompt
from backend.web.adoption import MOST_CONFIG, MOST_EXTRA, Adoption, usable_config
from backend.web.auth import BasicAuth, WebhookAuth
from backend.web.bodies import MOST_PREDICT, MOST_SETUP, MOST_STRANGER, MOST_WEBHOOK, Bodies
from backend.web.described import PREDICT, SETUP, WEBHOOK
from backend.web.lanes import Busy, Lane

UP = {"status": "UP", "model_class": MicroModelBackend.__name__}
"""What label-studio-ml's backends answer to who asks whether they run, at `/health` and at `/`."""

log = structlog.get_logger(__name__)


def protocol_routes(services: Services, predictor: Predictor, auth: BasicAuth, bodies: Bodies) -> APIRouter:
    """Routes of the protocol; who may call them at all, the Door knows."""
    protocol, routes = _Protocol(services, predictor, auth, bodies), APIRouter()
    routes.get("/health")(protocol.health)
    routes.post("/setup", openapi_extra=SETUP)(protocol.setup)
    routes.post("/predict", openapi_extra=PREDICT)(protocol.predict)
    routes.post("/webhook", openapi_extra=WEBHOOK)(protocol.webhook)
    routes.get("/versions")(protocol.versions)
    return routes


class _Protocol:
    """What each call does: the body is read and checked here, the rest is done in a thread of the call's lane."""

    def __init__(self, services: Services, predictor: Predictor, auth: BasicAuth, bodies: Bodies) -> None:
        self._services, self._predictor, self._bodies = services, predictor, bodies
        self._adoption, self._webhook_auth = Adoption(services, auth), WebhookAuth(services, auth)
        # An event waits for no writer and no picture; predictions and projects that are set up do, of the registry and others.
        self._events, self._setups = Lane("events", 16, 4000), Lane("setup", 8, 500)
        self._predictions = Lane("predictions", 8, 200)
        # Whoever draws waits for the answer to what he drew last: an answer that comes late is worse than none.
        self._prompts = Lane("prompts", 4, 20)

    async def health(self) -> dict[str, str]:
        return UP

    async def setup(self, request: Request) -> dict[str, str]:
        body, host = await self._bodies.json(request, MOST_SETUP), request.headers.get("host", "")
        schema, extra = body.get("schema"), body.get("extra_params")

        def take_in() -> str:
            config = usable_config(schema)
            if schema and config is None:
                raise HTTPException(422, f"The labeling config is no XML of at most {MOST_CONFIG} characters.")
            if len(str(extra)) > MOST_EXTRA:
                raise HTTPException(413, f"The extra params have more than {MOST_EXTRA} characters.")
            return self._backend(body.get("project"), config).setup_project(extra, host)

        return {"model_version": await self._setups.run(take_in)}

    async def predict(self, request: Request) -> dict[str, Any]:
        body = await self._bodies.json(request, MOST_PREDICT)
        tasks, params = body.get("tasks"), body.get("params")
        if not isinstance(tasks, list):
            raise HTTPException(422, f"tasks is {type(tasks).__name__}, expected a list.")
        context = params.get("context") if isinstance(params, Mapping) else None

        def answer() -> list[Any]:
            number, config = body.get("project"), usable_config(body.get("label_config"))
            unnamed = MicroModelBackend(self._services, self._predictor, None, config)
            return (unnamed if number is None else self._backend(number, config)).predict(tasks, context)

        project = _number(body.get("project"))
        if not is_prompt(context):  # one task is somebody's who opens it; many are fetched by the way
            return {"results": await self._predictions.run_for((project, len(tasks) > 1), answer)}
        try:
            return {"results": await self._prompts.run_for(project, answer)}
        except Busy as busy:
            log.warning("a prompt has no answer", why=busy.detail)
            return {"results": [no_object() for _ in tasks]}

    async def webhook(self, request: Request) -> dict[str, str]:
        sender = await self._events.run(self._webhook_auth.sender, request.headers)
        payload = await self._bodies.json(request, MOST_WEBHOOK if sender.known else MOST_STRANGER, not sender.known)
        action, project = str(payload.pop("action", "")), payload.get("project")
        number = _number(project.get("id") if isinstance(project, Mapping) else project)
        self._webhook_auth.check(sender, number, action)

        def keep() -> dict[str, str]:
            backend = MicroModelBackend(self._services, self._predictor, number or 0)
            return backend.fit(action, _with_usable_config(payload), vouched=sender.trusted)

        try:
            answer = await self._events.run(keep)
        except InboxError as error:
            log.error("event not kept; its project is compared with Label Studio", project=number, why=str(error))
            raise HTTPException(503, str(error), {"Retry-After": "60"}) from None
        request.state.ignored = answer["status"].startswith("ignored")  # for the metrics
        return answer

    async def versions(self) -> dict[str, list[str]]:
        return {"versions": await run_in_threadpool(_titles, self._services)}

    def _backend(self, project: Any, config: str | None) -> MicroModelBackend:
        number = _number(project)
        if number is None:
            what = reprlib.repr(project)
            raise HTTPException(422, f"project is {what}, expected a number or Label Studio's '<id>.<created>'.")
        self._adoption.check(number)
        return MicroModelBackend(self._services, self._predictor, number, config)


def _with_usable_config(payload: dict[str, Any]) -> dict[str, Any]:
    """The payload without a labeling config that is none: the one that is known stays."""
    project = payload.get("project")
    if not isinstance(project, Mapping) or usable_config(project.get("label_config")) is not None:
        return payload
    return {**payload, "project": {key: value for key, value in project.items() if key != "label_config"}}


def _number(project: Any) -> int | None:
    try:
        return project_key.parse(project)
    except StudioError:
        return None


def _titles(services: Services) -> list[str]:
    """Label Studio drops the project from this call, so all strings that we show are told."""
    titles = {str(p.settings.get("title") or services.settings.title) for p in services.registry.projects.all()}
    return sorted(titles | {services.settings.title})
