"""The projects that we know: whoever names another is told, and leaves no trace."""

from backend.errors import RegistryError
from backend.loop.services import Services
from model_registry import ProjectRecord


def known(services: Services, project: int) -> ProjectRecord:
    """The project; raises RegistryError with the numbers that there are."""
    if record := services.registry.projects.get(project):
        return record
    there = ", ".join(str(p.id) for p in services.registry.projects.all()) or "none"
    raise RegistryError(
        f"Project {project} is not connected; connected are: {there}. "
        f"Run `micro-models connect --project {project}`; the data folder is {services.settings.folder}."
    )
