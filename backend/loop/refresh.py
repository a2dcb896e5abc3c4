"""Fetching a group's media anew, where files were replaced under their addresses and their server does not tell."""

from backend.errors import LabelingConfigError
from backend.loop.data.known import known_group
from backend.loop.data.pages import addresses
from backend.loop.services import Services
from backend.loop.versions import train_now


def refresh(services: Services, project: int, group: str) -> int:
    """Forget the pictures or videos of a group and what was seen in them, and ask for a training; how many tasks it has.

    The cache is this machine's: where workers run on others, the order must be given there.
    """
    record = known_group(services, project, group)
    tasks = services.registry.tasks.of_group(project, group)
    try:
        fields = {control.media_field for control in services.config(record).controls}
    except LabelingConfigError:
        fields = set()
    media = services.media(record)
    urls = {url for task in tasks for field in fields for url in addresses(task.data, field) if isinstance(url, str)}
    for url in urls:
        media.reject(url)
    services.registry.features.forget(project, [task.id for task in tasks])
    train_now(services, project, group)
    return len(tasks)
