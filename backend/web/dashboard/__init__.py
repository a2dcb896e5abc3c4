"""The dashboard: pages for people at `/`. Rendered here, kept live by one small script, nothing from elsewhere."""

from fastapi import FastAPI

from backend.loop.services import Services
from backend.web.dashboard.mistakes import tell_people
from backend.web.dashboard.rendering import Pages
from backend.web.dashboard.routes import dashboard_routes

__all__ = ["add_dashboard"]


def add_dashboard(app: FastAPI, services: Services) -> None:
    """Put the dashboard's pages, and errors as pages, into the application."""
    pages = Pages(services.clock)
    app.include_router(dashboard_routes(services, pages))
    tell_people(app, pages)
