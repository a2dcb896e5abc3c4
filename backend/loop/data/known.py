"""The projects and groups that we know: whoever names another is told, and leaves no trace."""

from difflib import get_close_matches

from backend.errors import RegistryError
from backend.loop.data.standing import connect_command
from backend.loop.services import Services
from model_registry import GroupKind, ProjectRecord

NAMED = 10
"""Groups that are named where somebody asks for one that there is not; the most alike first."""


def known(services: Services, project: int) -> ProjectRecord:
    """The project; raises RegistryError with the numbers that there are."""
    if record := services.registry.projects.get(project):
        return record
    there = ", ".join(str(p.id) for p in services.registry.projects.all()) or "none"
    connect = connect_command(ProjectRecord(project), with_key=not services.environment)
    raise RegistryError(
        f"Project {project} is not connected; connected are: {there}. "
        f"Run `{connect}`; the data folder is {services.settings.folder}."
    )


def known_group(services: Services, project: int, group: str) -> ProjectRecord:
    """The group's project; raises RegistryError with the names that there are, of many those that are most alike."""
    record = known(services, project)
    names = [group.name for group in services.registry.groups.all(project) if group.kind is GroupKind.TASKS]
    if group in names:
        return record
    near = get_close_matches(group, names, NAMED)
    shown = list(dict.fromkeys([*near, *names]))[:NAMED]
    more = f" and {len(names) - len(shown)} more" if len(names) > len(shown) else ""
    there = ", ".join(repr(name) for name in shown) + more if names else "none; groups are made by their tasks"
    raise RegistryError(f"There is no group {group!r} in project {project}; there are: {there}.")
