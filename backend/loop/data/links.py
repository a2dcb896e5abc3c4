"""Addresses of pages in Label Studio."""

from backend.loop.services import Services
from model_registry import ProjectRecord


def project_url(services: Services, project: ProjectRecord) -> str | None:
    """The project's Data Manager; None where Label Studio's address is not known."""
    base = services.access(project).url.rstrip("/")
    return f"{base}/projects/{project.id}/data" if base.startswith(("http://", "https://")) else None


def task_url(services: Services, project: ProjectRecord, task: int) -> str | None:
    """The task, open for labelling."""
    page = project_url(services, project)
    return f"{page}?task={task}" if page else None
