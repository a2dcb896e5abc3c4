"""Taking a project off this backend again. Its labels, versions and reviews stay, for when it is connected anew."""

from backend.errors import StudioError, StudioUnreachable
from backend.loop.data.known import known
from backend.loop.data.standing import DISCONNECTED, PROBLEM, leaving
from backend.loop.predict.label_next import KEPT, drop_tab
from backend.loop.services import Services
from backend.studio import connection
from model_registry import STOPPED, ProjectRecord

BY_HAND = "Remove there by hand what is left: the model under Settings > Model, the webhook under Settings > Webhooks."


def disconnect_project(services: Services, number: int) -> list[str]:
    """Remove model, webhook and tab from Label Studio, and our key to it; what was done, a line each.

    The webhook's secret stays, so that nobody else can send events. Raises RegistryError for a project that is not
    known, StudioUnreachable, with nothing done, while Label Studio is away.
    """
    project = known(services, number)
    done = _withdraw(services, project)
    gone = dict.fromkeys(
        ("url", "api_key", "backend_id", "backend_url", "model_missing_since", "heard_as", PROBLEM, KEPT)
    )
    services.registry.projects.configure(number, settings={**gone, **leaving(services, project), STOPPED: DISCONNECTED})
    return [*done, "The key is forgotten. Labels and versions are kept; nothing is trained or published any more."]


def _withdraw(services: Services, project: ProjectRecord) -> list[str]:
    """Take what is ours out of Label Studio; what was done, in words."""
    studio, settings = services.studio(project), project.settings
    if studio is None:
        return [f"No key to Label Studio is known. {BY_HAND}"]
    try:
        if settings.get(KEPT):
            drop_tab(services, project)
        removed = connection.remove(studio, project.id, settings.get("backend_id"), settings.get("backend_url"))
    except StudioUnreachable:
        raise
    except StudioError as error:
        return [f"Label Studio let nothing be removed: {error} {BY_HAND}"]
    return [f"Removed in Label Studio: {what}." for what in removed] or ["Label Studio had nothing of ours any more."]
