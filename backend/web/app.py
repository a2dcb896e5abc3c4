"""The web application."""

from fastapi import FastAPI

from backend.loop.predict.on_demand import Predictor
from backend.loop.services import Services
from backend.web.auth import BasicAuth
from backend.web.bodies import Bodies
from backend.web.dashboard import Mistakes, Pages, dashboard_routes
from backend.web.door import Door
from backend.web.metrics import Metrics
from backend.web.protocol import protocol_routes
from backend.web.status import status_routes


def create_app(services: Services) -> FastAPI:
    """The application over these rooms; nothing starts and nothing is loaded before the first request."""
    app = FastAPI(title="Micro-models for Label Studio", docs_url=None, redoc_url=None)
    auth, bodies, metrics, pages = BasicAuth(services.settings), Bodies(), Metrics(services), Pages(services.clock)
    app.include_router(protocol_routes(services, Predictor(services), auth, bodies))
    app.include_router(status_routes(services, metrics, auth))
    app.include_router(dashboard_routes(services, pages, bodies))
    mistakes = Mistakes(pages)
    mistakes.catch_all_of(app)
    # The last one is the outermost.
    app.add_middleware(Door, services.settings, auth, mistakes.refused)
    app.add_middleware(metrics.observe)
    return app
