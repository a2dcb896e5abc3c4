"""The web application."""

from fastapi import FastAPI

from backend.loop.predict import Predictor
from backend.loop.services import Services
from backend.web.dashboard import add_dashboard
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
    add_dashboard(app, services)
    return app
