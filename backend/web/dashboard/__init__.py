"""The dashboard: pages for people at `/`. Rendered here, kept live by one small script, nothing from elsewhere."""

from backend.web.dashboard.mistakes import Mistakes
from backend.web.dashboard.rendering import Pages
from backend.web.dashboard.routes import dashboard_routes

__all__ = ["Mistakes", "Pages", "dashboard_routes"]
