"""What a person orders for the versions of a group's micro-models: train now, go back, pin, lift the pin."""

from backend.errors import RegistryError
from backend.loop.data.known import known, known_group
from backend.loop.data.standing import connect_command
from backend.loop.services import Services
from model_registry import VersionRecord


def train_now(services: Services, project: int, group: str | None = None) -> list[str]:
    """Ask for a training of a group, or of all that have labels, whether these changed or not; their names."""
    record = known_group(services, project, group) if group is not None else known(services, project)
    if (why := record.stopped) is not None:
        raise RegistryError(f"Project {project} is stopped: {why}. Run `{connect_command(record)}`.")
    names = [group] if group is not None else [g.name for g in services.registry.groups.all(project) if g.labelled]
    services.registry.groups.force(project, *names)
    for name in names:
        services.queue.enqueue_group(project, name)
    return names


def rollback(services: Services, project: int, group: str, control: str | None = None) -> list[VersionRecord]:
    """Let the versions before the serving ones serve again, pinned until `unpin`; raises where there is no way back."""
    known_group(services, project, group)
    back = services.registry.versions.rollback(project, group, control, hold=True)
    services.queue.enqueue_group(project, group)
    return back


def pin(
    services: Services, project: int, group: str, control: str | None = None, number: int | None = None
) -> list[VersionRecord]:
    """Keep the serving versions, or that of a number, serving until `unpin`, whatever trainings end."""
    known_group(services, project, group)
    held = services.registry.versions.pin(project, group, control, number)
    services.queue.enqueue_group(project, group)
    return held


def unpin(services: Services, project: int, group: str, control: str | None = None) -> list[str]:
    """Lift pins; a training is asked for, since what ended meanwhile was turned away. The controls that were pinned."""
    known_group(services, project, group)
    lifted = services.registry.versions.unpin(project, group, control)
    if lifted:
        train_now(services, project, group)
    return lifted
