"""The Data Manager's tab "Label next": the frames that are worth a look, renewed with each publication."""

from collections.abc import Sequence

import structlog

from backend.errors import StudioError, StudioForbidden
from backend.loop.predict.suggest import Suggestion, suggestions
from backend.loop.services import Services
from backend.studio import tabs
from backend.studio.client import Studio
from model_registry import ProjectRecord

TAB = "Label next"
"""Title of the tab."""
KEPT = "tab"
"""The project's setting that has the tab renewed."""
FRAMES = 20
"""Frames in the tab where nobody asked for another number."""

log = structlog.get_logger(__name__)


def put_tab(services: Services, project: ProjectRecord, suggested: Sequence[Suggestion] | None = None) -> str:
    """Make, or renew, the tab with these frames, by default the first that are suggested; returns its address.

    Its order is that of the prediction scores, which Label Studio's stream of tasks follows when started from the tab;
    tasks without a prediction have no score and come in the order of their ids. With no frame to suggest it holds all
    that nobody has labelled.
    """
    studio = services.studio(project)
    if studio is None:
        raise StudioForbidden("No API key for Label Studio: give --url and --api-key, or set LABEL_STUDIO_API_KEY.")
    if suggested is None:
        suggested = suggestions(services, project.id, FRAMES)
    tab = tabs.put(studio, project.id, TAB, [one.task for one in suggested])
    if not project.settings.get(KEPT):
        services.registry.projects.configure(project.id, settings={KEPT: True})
    return f"{studio.url}/projects/{project.id}/data?tab={tab}"


def drop_tab(services: Services, project: ProjectRecord) -> None:
    """Remove the tab."""
    if (studio := services.studio(project)) is not None:
        tabs.remove(studio, project.id, TAB)
    services.registry.projects.configure(project.id, settings={KEPT: None})


def renew_tab(services: Services, project: ProjectRecord) -> None:
    """After a publication: the tab shows what is worth a look now. One that somebody removed is not made again.

    Nothing is raised: the predictions are out, whatever becomes of the tab.
    """
    studio = services.studio(project)
    if studio is None or not project.settings.get(KEPT):
        return
    try:
        if tabs.exists(studio, project.id, TAB):
            put_tab(services, project)
        else:
            services.registry.projects.configure(project.id, settings={KEPT: None})
    except StudioError as error:
        log.warning("the tab is not renewed", project=project.id, tab=TAB, why=str(error))


def mend_tab(services: Services, studio: Studio, project: ProjectRecord) -> None:
    """Replace a tab of an earlier release that stops the Data Manager's pages for everybody. Nothing is raised."""
    try:
        if tabs.is_broken(studio, project.id, TAB):
            log.warning("a tab that stopped the Data Manager is replaced", project=project.id, tab=TAB)
            put_tab(services, project)
    except StudioError as error:
        log.warning("the tabs are not looked at", project=project.id, why=str(error))
