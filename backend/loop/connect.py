"""Connecting a project to this backend, and checking that both sides reach each other."""

from backend.errors import StudioForbidden
from backend.loop.services import Services
from backend.settings import new_secret
from backend.studio import connection
from backend.studio.client import Studio
from backend.studio.connection import Check
from model_registry import ProjectRecord


def connect_project(
    services: Services, project: int, backend_url: str, group_by: str | None, title: str | None
) -> list[Check]:
    """Register the backend and its webhook, remember how Label Studio is reached, and check. May be repeated."""
    record = services.registry.projects.seen(project)
    studio, settings = studio_of(services, record), services.settings
    secret = _secret(services, record) or new_secret()
    made = connection.connect(
        studio, project, backend_url, secret, title=title, group_by=group_by, basic_auth=settings.basic_auth
    )
    # After the webhook has it: events that are under way must not be refused.
    remembered = {
        "url": settings.label_studio_url, "api_key": settings.label_studio_api_key.get_secret_value(),
        "webhook_secret": secret, "backend_id": made.backend, "title": made.title,
    }  # fmt: skip
    services.registry.projects.configure(project, settings={k: v for k, v in remembered.items() if v})
    services.queue.sweep(project)
    return connection.checks(studio, project, backend_url, secret)


def check_project(services: Services, project: int, backend_url: str) -> list[Check]:
    """What works and what does not between Label Studio and this backend."""
    record = services.registry.projects.seen(project)
    return connection.checks(studio_of(services, record), project, backend_url, _secret(services, record))


def _secret(services: Services, project: ProjectRecord) -> str | None:
    """What the project's webhook must carry: the one secret of all projects, else the project's own."""
    one = services.settings.webhook_secret.get_secret_value()
    return one or project.settings.get("webhook_secret")


def studio_of(services: Services, project: ProjectRecord) -> Studio:
    """Label Studio as the project reaches it; raises StudioForbidden where address or key is missing."""
    studio = services.studio(project)
    if studio is None:
        raise StudioForbidden(
            "Label Studio's address or API key is missing. Give --url and --api-key, or set LABEL_STUDIO_URL and "
            "LABEL_STUDIO_API_KEY; the key is under Account & Settings in Label Studio."
        )
    return studio
