"""Registering this backend with a project of Label Studio."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import httpx

from backend.errors import StudioError, StudioForbidden, StudioMissing, StudioUnreachable
from backend.studio.checks import SECRET_HEADER, Check, checks, diagnose
from backend.studio.client import Studio

__all__ = ["SECRET_HEADER", "Check", "Registered", "checks"]

DEFAULT_TITLE = "micro-models"
GROUP_BY = "group_by"
"""Key in the backend's extra_params, which Label Studio hands to /setup."""
REMOVALS = 3
"""Times that a row is removed which is there again: a list of backends that Label Studio makes meanwhile saves its rows
again when it has called them, those that were deleted too (1.23.2, `ml/models.py`, `update_state`)."""


@dataclass(frozen=True, slots=True)
class Registered:
    """This backend's row in a project of Label Studio."""

    id: int
    url: str
    """This backend as Label Studio reaches it, without a slash at the end."""
    title: str
    """The backend's title in the project, and so the model_version of every prediction."""
    created: bool
    """False where the backend was registered already."""


def confirmed(studio: Studio, project: int) -> dict[str, Any]:
    """The project's row; raises StudioError unless Label Studio itself says that there is this project."""
    row = studio.project(project)
    if row.get("id") != project or not isinstance(row.get("label_config"), str):
        raise StudioError(
            f"Label Studio's answer about project {project} is none: {str(row)[:100]}. "
            "Is LABEL_STUDIO_URL Label Studio's own address, with its path prefix if any?"
        )
    return row


def register(
    studio: Studio,
    project: int,
    backend_url: str,
    *,
    title: str | None = None,
    group_by: str | None = None,
    basic_auth: tuple[str, str] | None = None,
    interactive: bool = False,
) -> Registered:
    """Register the backend. May be repeated: what is right already stays, a title that somebody gave the backend in
    Label Studio is kept unless `title` asks for another. `interactive`: smart tools of the editor ask it too. Raises
    StudioError with the fix.
    """
    url = address(backend_url)
    mine = registered(studio, project, url)
    backend = _register(studio, project, url, mine, _fields(mine, title, group_by, basic_auth, interactive))
    return Registered(int(backend["id"]), url, str(backend["title"]), mine is None)


def finish(studio: Studio, project: int, backend: Registered, secret: str) -> None:
    """Put the secret on the backend's webhook, and let the project show its predictions."""
    protect(studio, project, backend.url, secret)
    # Read anew, and after the backend: Label Studio itself changes the field when a backend comes or is renamed.
    if studio.project(project).get("model_version") != backend.title:
        studio.set_project(project, model_version=backend.title)


def protect(studio: Studio, project: int, backend_url: str, secret: str) -> None:
    """Have Label Studio's events carry the secret."""
    studio.put_webhook(project, f"{backend_url.rstrip('/')}/webhook", {SECRET_HEADER: secret})


def remove(studio: Studio, project: int, backend: int | None, backend_url: str | None) -> list[str]:
    """Take the backend and its webhooks out of a project; what was removed, in words. May be repeated."""
    models = dict[int, str]()
    for _ in range(REMOVALS):
        ours = [row for row in studio.backends(project) if is_ours(row, backend, backend_url)]
        if not ours:
            break
        for row in ours:
            backend_url = backend_url or str(row["url"])
            studio.remove_backend(row["id"])
            models[row["id"]] = f"model {row['title']!r}"
    removed = list(models.values())
    hook = f"{backend_url.rstrip('/')}/webhook" if backend_url else None
    for row in studio.webhooks(project):
        if hook and row["url"].rstrip("/") == hook:
            studio.remove_webhook(row["id"])
            removed.append(f"webhook {row['url']}")
    return removed


def is_ours(row: Mapping[str, Any], backend: int | None, backend_url: str | None) -> bool:
    """Whether a row of a project's backends is the one with this id, or this address."""
    return row["id"] == backend or (bool(backend_url) and row["url"].rstrip("/") == str(backend_url).rstrip("/"))


def registered(studio: Studio, project: int, backend_url: str) -> dict[str, Any] | None:
    """This backend's row in a project; None where it is not registered."""
    url = backend_url.rstrip("/")
    return next((row for row in studio.backends(project) if row["url"].rstrip("/") == url), None)


def _fields(
    mine: dict[str, Any] | None,
    title: str | None,
    group_by: str | None,
    basic_auth: tuple[str, str] | None,
    interactive: bool,
) -> dict[str, Any]:
    """What the backend's row shall hold."""
    fields: dict[str, Any] = {"title": title or (mine["title"] if mine else DEFAULT_TITLE)}
    if interactive:  # what a person switched on stays on where no tool is smart any more
        fields["is_interactive"] = True
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


def address(url: str) -> str:
    """This backend's address, without a slash at the end; raises StudioError where it is none."""
    parsed = httpx.URL(url.strip().rstrip("/"))
    if parsed.scheme not in ("http", "https") or not parsed.host:
        raise StudioError(
            f"{url!r} is not the address of this backend. Expected what Label Studio's machine can call, such as "
            "http://localhost:9090, or http://host.docker.internal:9090 when Label Studio is in a container."
        )
    if "." not in parsed.host and ":" not in parsed.host and parsed.host != "localhost":
        raise StudioError(
            f"Label Studio takes no webhook to {parsed.host!r}: it expects a name with a dot, an IP address or localhost. "
            f"Give the backend such a name, in compose as a network alias ({parsed.host}.internal), and connect with it."
        )
    return str(parsed)
