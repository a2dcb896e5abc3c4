"""Addresses of pages in Label Studio."""

from backend.loop.data.grouping import GroupRule, field_of
from backend.loop.services import Services
from backend.studio import tabs
from model_registry import ProjectRecord, TaskRecord


def project_url(services: Services, project: ProjectRecord) -> str | None:
    """The project's Data Manager; None where Label Studio's address is not known."""
    base = services.access(project).url.rstrip("/")
    return f"{base}/projects/{project.id}/data" if base.startswith(("http://", "https://")) else None


def group_url(services: Services, project: ProjectRecord, rule: GroupRule, first: TaskRecord | None) -> str | None:
    """The group's tasks in the Data Manager, the least certain first; of a whole video its task, and the project where the
    group has no value of its own in the tasks' data. `first` is a task of the group."""
    page = project_url(services, project)
    if page is None or first is None:
        return page
    if rule.alone:
        return task_url(services, project, first.id)
    field = field_of(first.data, rule)
    value = first.data.get(field) if field else None
    return f"{page}?tab={tabs.passing(first.group, field, value)}" if field and isinstance(value, str) else page


def task_url(services: Services, project: ProjectRecord, task: int) -> str | None:
    """The task, open for labelling."""
    page = project_url(services, project)
    return f"{page}?task={task}" if page else None
