"""Connection state of a project: whether Label Studio still has this backend, and whether the API key is good.

Looked at in every sweep. An odd answer changes nothing: only a proper list without us, twice, means that a person has
removed the model on the project's Model page.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from typing import Any

import httpx
import structlog

from backend.errors import RegistryError, StudioError, StudioForbidden, StudioMissing
from backend.loop.services import Access, Services, stored_access
from backend.password import new_secret
from backend.studio import connection
from backend.studio.client import Studio
from model_registry import STOPPED, ProjectRecord

REMOVED = "its model was removed in Label Studio"
DISCONNECTED = "disconnected"
"""Why a project is stopped."""
DEFAULT_BACKEND = "http://localhost:9090"
"""This backend as Label Studio reaches it where nobody names another address."""
LEFT = "left"
"""The project's setting that says which row of Label Studio's list `disconnect` took out, and when."""
UNDER_WAY_SECONDS = 60.0
"""After a disconnection within which Label Studio may still call about what it did before."""
PROBLEM = "studio_problem"
"""The project's setting that says why Label Studio does not let us in."""

log = structlog.get_logger(__name__)


def check_connection(services: Services, studio: Studio, project: ProjectRecord) -> ProjectRecord:
    """Take over what Label Studio has of us in this project: our row, our title, or that it has us no more.

    A backend that was connected on Label Studio's own Model page gets its webhook secret here.
    """
    rows = _without_left(studio, project, studio.backends(project.id))
    mine = _ours(rows, project)
    if mine is None:
        return _changed(services, project, _missing(services, rows, project))
    url = str(mine["url"]).rstrip("/")
    found = {"backend_id": mine["id"], "backend_url": url, "title": str(mine["title"])}
    if project.stopped:
        log.info("the project is connected again", project=project.id)
    project = _changed(services, project, {**found, "model_missing_since": None, STOPPED: None, LEFT: None})
    return project if project.settings.get("webhook_secret") else _protect(services, studio, project, url)


def leaving(services: Services, project: ProjectRecord) -> dict[str, Any]:
    """The setting that a disconnection leaves."""
    row, url = project.settings.get("backend_id"), project.settings.get("backend_url")
    return {LEFT: {"row": row, "url": url, "at": services.clock()}}


def has_just_left(services: Services, project: ProjectRecord) -> bool:
    """Whether a person disconnected the project a moment ago."""
    left = project.settings.get(LEFT)
    return left is not None and services.clock() - left["at"] < UNDER_WAY_SECONDS


def _without_left(studio: Studio, project: ProjectRecord, rows: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """The rows but for the one that `disconnect` took out, which goes again: a list that Label Studio was making then has
    saved it again (1.23.2, `ml/models.py`, `update_state`). Whoever connects anew makes a row of another number."""
    left = project.settings.get(LEFT) or {}
    again = [row for row in rows if row["id"] == left.get("row") and row["url"] == left.get("url")]
    for row in again:
        log.info("a model that was disconnected is there again; it is removed", project=project.id)
        studio.remove_backend(row["id"])
    return [row for row in rows if row not in again]


def connect_command(project: ProjectRecord, with_key: bool = False) -> str:
    """The command that mends a project's connection."""
    where = str(project.settings.get("backend_url") or "")
    backend = f" --backend-url {where}" if where and where != DEFAULT_BACKEND else ""
    return f"micro-models connect{' --url URL --api-key KEY' if with_key else ''} --project {project.id}{backend}"


def alert(project: ProjectRecord) -> tuple[str, str] | None:
    """What is wrong between Label Studio and the project, and what to do about it, in words; None where it is well."""
    number = project.id
    if why := project.stopped:
        mend = f"Run `{connect_command(project)}` to go on, or `micro-models forget --project {number}`."
        return f"Nothing is trained or published: {why}.", mend
    if problem := project.settings.get(PROBLEM):
        return str(problem), f"Run `{connect_command(project, with_key=True)}`."
    return None


def unprotected(project: ProjectRecord) -> tuple[str, str] | None:
    """The same, where anybody could send events for the project."""
    if project.settings.get("webhook_secret") or project.stopped:
        return None
    what = "Not protected: its webhook has no secret, so events are believed whoever sends them."
    return what, f"Run `{connect_command(project)}`, which gives it one."


@contextmanager
def noted(services: Services, project: ProjectRecord) -> Iterator[None]:
    """While Label Studio is asked about a project: what it refuses is kept for people to see, until it is mended.

    Where a stored key is refused, and the environment's is another one that is good, that one holds from then on.
    """
    try:
        yield
    except StudioMissing:
        raise
    except StudioError as error:
        if isinstance(error, StudioForbidden) and _environment_holds(services, project):
            services.registry.projects.configure(project.id, settings={"url": None, "api_key": None, PROBLEM: None})
            services.queue.enqueue_sweep(project.id)
        else:
            with suppress(RegistryError):
                _changed(services, project, {PROBLEM: str(error)})
        raise
    if project.settings.get(PROBLEM):
        services.registry.projects.configure(project.id, settings={PROBLEM: None})


def heard_as(project: ProjectRecord, host: str) -> dict[str, str]:
    """What to remember of the address at which Label Studio called us, where its list has no row of ours yet."""
    wanted = "backend_id" not in project.settings or project.stopped or "model_missing_since" in project.settings
    return {"heard_as": host} if host and wanted and host != project.settings.get("heard_as") else {}


def _ours(rows: Sequence[Mapping[str, Any]], project: ProjectRecord) -> Mapping[str, Any] | None:
    """Our row: that of our last one's number or address, else the one at whose address Label Studio calls us."""
    settings = project.settings
    for row in rows:
        if connection.is_ours(row, settings.get("backend_id"), settings.get("backend_url")):
            return row
    heard = settings.get("heard_as")
    return next((row for row in rows if heard and _host(str(row["url"])) == str(heard).lower()), None)


def _missing(services: Services, rows: Sequence[Mapping[str, Any]], project: ProjectRecord) -> dict[str, Any]:
    """What holds for a project whose list of backends has no row of ours."""
    now, since = services.clock(), project.settings.get("model_missing_since")
    if project.stopped:
        return {}
    if "backend_id" not in project.settings:
        return {"title": _likely_title(rows, services.settings.title)}
    if since is None:
        return {"model_missing_since": now}
    if now - float(since) < services.settings.sweep_seconds / 2:
        return {}
    log.warning("the model was removed in Label Studio; nothing is trained or published", project=project.id)
    return {STOPPED: REMOVED, "model_missing_since": None}


def _likely_title(rows: Sequence[Mapping[str, Any]], default: str) -> str:
    """Our title where no row is known to be ours: that of the only one, else the default."""
    titles = [str(row["title"]) for row in rows]
    return titles[0] if len(titles) == 1 or (titles and default not in titles) else default


def _protect(services: Services, studio: Studio, project: ProjectRecord, url: str) -> ProjectRecord:
    """Have Label Studio's events of the project carry a secret, and no others be believed."""
    secret = services.settings.one_secret or str(project.settings.get("next_secret") or new_secret())
    _changed(services, project, {"next_secret": secret})
    try:
        connection.protect(studio, project.id, url, secret)
    except StudioForbidden:
        raise
    except StudioError as error:
        log.warning("the webhook has no secret", project=project.id, why=str(error))
        return project
    return _changed(services, project, {"webhook_secret": secret, "next_secret": None})


def _environment_holds(services: Services, project: ProjectRecord) -> bool:
    """Whether the environment has another key for the same Label Studio, and that one is good."""
    there, stored = services.environment, stored_access(project)
    if not there or there.key == stored.key or not stored.key:
        return False
    if stored.url and stored.url.rstrip("/") != there.url.rstrip("/"):
        return False  # another Label Studio's project of this number is another project
    return _opens(services, there, project.id)


def _opens(services: Services, access: Access, project: int) -> bool:
    try:
        connection.confirmed(services.connect_studio(access.url, access.key), project)
    except StudioError:
        return False
    return True


def _changed(services: Services, project: ProjectRecord, settings: Mapping[str, Any]) -> ProjectRecord:
    """The project with these settings; written only where something differs. Raises RegistryError where a person has
    forgotten, stopped or connected the project meanwhile."""
    if all(project.settings.get(key) == value for key, value in settings.items()):
        return project
    return services.registry.projects.configure(project.id, settings=settings, seen=project)


def _host(url: str) -> str:
    """Host and port of an address, as a `Host` header names them."""
    parsed = httpx.URL(url)
    return parsed.netloc.decode("ascii", "replace").lower()
