"""The web application."""

from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse

from backend.errors import MicroModelsError
from backend.loop.predict import Predictor
from backend.loop.services import Services
from backend.web.metrics import Metrics
from backend.web.protocol import protocol_routes
from backend.web.status import status_routes


def create_app(services: Services) -> FastAPI:
    """The application over these rooms; nothing starts and nothing is loaded before the first request."""
    app = FastAPI(title="Micro-models for Label Studio", docs_url=None, redoc_url=None)
    metrics = Metrics(services)
    app.middleware("http")(metrics.observe)
    app.include_router(protocol_routes(services, Predictor(services)))
    app.include_router(status_routes(services, metrics))

    @app.exception_handler(MicroModelsError)
    async def expected(request: Request, error: MicroModelsError) -> JSONResponse:
        return JSONResponse({"error": str(error)}, status_code=500)

    return app
