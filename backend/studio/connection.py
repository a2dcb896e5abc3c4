"""Registering this backend with a project of Label Studio."""

from dataclasses import dataclass
from typing import Any

import httpx

from backend.errors import StudioError, StudioForbidden, StudioMissing, StudioUnreachable
from backend.studio import labeling_config
from backend.studio.checks import SECRET_HEADER, Check, checks, diagnose
from backend.studio.client import Studio

__all__ = ["SECRET_HEADER", "Check", "Connection", "checks", "connect", "title_of"]

DEFAULT_TITLE = "micro-models"
GROUP_BY = "group_by"
"""Key in the backend's extra_params, which Label Studio hands to /setup."""


@dataclass(frozen=True, slots=True)
class Connection:
    """What `connect` left in Label Studio."""

    backend: int
    webhook: int
    title: str
    """The backend's title in the project, and so the model_version of every prediction."""
    created: bool
    """False where the backend was registered already."""


def connect(
    studio: Studio,
    project: int,
    backend_url: str,
    secret: str,
    *,
    title: str | None = None,
    group_by: str | None = None,
    basic_auth: tuple[str, str] | None = None,
) -> Connection:
    """Register the backend, put the secret on its webhook, and let the project show its predictions.

    May be repeated: what is right already stays, a title that somebody gave the backend in Label Studio is kept unless
    `title` asks for another. Raises LabelingConfigError, or StudioError with the fix.
    """
    url = _backend_url(backend_url)
    labeling_config.parse(str(studio.project(project)["label_config"])).require()
    mine = registered(studio, project, url)
    backend = _register(studio, project, url, mine, _fields(mine, title, group_by, basic_auth))
    hook = studio.put_webhook(project, f"{url}/webhook", {SECRET_HEADER: secret})
    # Read anew, and after the backend: Label Studio itself changes the field when a backend comes or is renamed.
    if studio.project(project).get("model_version") != backend["title"]:
        studio.set_project(project, model_version=backend["title"])
    return Connection(int(backend["id"]), int(hook["id"]), str(backend["title"]), mine is None)


def registered(studio: Studio, project: int, backend_url: str) -> dict[str, Any] | None:
    """This backend's row in a project; None where it is not registered."""
    url = backend_url.rstrip("/")
    return next((row for row in studio.backends(project) if row["url"].rstrip("/") == url), None)


def title_of(studio: Studio, project: int, backend_url: str) -> str | None:
    """The backend's title in a project, which is the model_version of our predictions there."""
    row = registered(studio, project, backend_url)
    return None if row is None else str(row["title"])


def _fields(
    mine: dict[str, Any] | None, title: str | None, group_by: str | None, basic_auth: tuple[str, str] | None
) -> dict[str, Any]:
    """What the backend's row shall hold."""
    fields: dict[str, Any] = {"title": title or (mine["title"] if mine else DEFAULT_TITLE)}
    if group_by is not None:
        old = (mine or {}).get("extra_params")
        fields["extra_params"] = {**(old if isinstance(old, dict) else {}), GROUP_BY: group_by}
    if basic_auth is not None:
        user, password = basic_auth
        fields |= {"auth_method": "BASIC_AUTH", "basic_auth_user": user, "basic_auth_pass": password}
    return fields


def _register(
    studio: Studio, project: int, url: str, mine: dict[str, Any] | None, fields: dict[str, Any]
) -> dict[str, Any]:
    try:
        if mine is None:
            return studio.connect_backend(project, url, **fields)
        if all(mine.get(key) == value for key, value in fields.items()):
            return mine
        # Label Studio checks the whole row, so a change needs the address too.
        return studio.set_backend(mine["id"], project=project, url=url, **fields)
    except (StudioForbidden, StudioMissing, StudioUnreachable):
        raise
    except StudioError as error:
        text = str(error)
        if "reserved network address" in text:
            raise
        raise StudioError(
            f"Label Studio did not accept the backend {url}. {diagnose(url, text)} ({text[:400]})"
        ) from error


def _backend_url(url: str) -> str:
    parsed = httpx.URL(url.strip().rstrip("/"))
    if parsed.scheme not in ("http", "https") or not parsed.host:
        raise StudioError(
            f"{url!r} is not the address of this backend. Expected what Label Studio's machine can call, such as "
            "http://localhost:9090, or http://host.docker.internal:9090 when Label Studio is in a container."
        )
    return str(parsed)
