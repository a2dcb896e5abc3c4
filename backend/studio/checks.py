"""Is everything set that the loop between Label Studio and this backend needs? One line each, with the fix."""

from dataclasses import dataclass
from itertools import islice
from typing import Any

import httpx

from backend.errors import LabelingConfigError, StudioError
from backend.studio import labeling_config
from backend.studio.client import Studio
from backend.studio.prompts import smart_tools
from backend.studio.transport import PRIVATE_ADDRESS_FIX

SECRET_HEADER = "X-Micro-Models-Secret"
"""The webhook header that tells Label Studio's events from anybody else's: Label Studio does not sign them."""
SAMPLE = 20
"""Tasks looked at for the sort of media that the project has."""
UNCERTAIN, IN_ORDER = "Uncertainty sampling", "Sequential sampling"
"""Label Studio's names for the order in which a project hands out its tasks."""
LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1", "0.0.0.0"})


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that must be right."""

    name: str
    ok: bool
    message: str
    """What was found."""
    fix: str = ""
    """What to do about it; empty when it is right. With `ok`, it could not be found out, or may be better."""


def checks(studio: Studio, project: int, backend_url: str, secret: str | None = None) -> list[Check]:
    """Everything that can be seen from Label Studio's side; stops at the first thing that hides the others.

    `backend_url` is this backend's as Label Studio reaches it; with `secret`, the webhook must carry it.
    """
    url = backend_url.rstrip("/")
    key = _key(studio)
    if not key.ok:
        return [key]
    try:
        row = studio.project(project)
        backends, hooks = studio.backends(project), studio.webhooks(project)
    except StudioError as error:
        return [key, Check("project", False, str(error), "Check the project's number, and the user's access to it.")]
    mine = next((backend for backend in backends if backend["url"].rstrip("/") == url), None)
    found = [key, Check("project", True, f"project {project}, {row['title']!r}"), _config(row)]
    found.append(_backend(mine, backends, url, project))
    found.append(_webhook(hooks, url, secret, project))
    if mine is not None:
        found.append(_model_version(row, mine, project))
        found += _smart_tools(row, mine, project, url)
    if "sampling" in row:
        found.append(_order(row, project, url))
    local = _local_files(studio, project)
    return [*found, local] if local else found


def diagnose(url: str, text: str) -> str:
    """What to do when Label Studio could not call a backend at `url`, from its error text."""
    if "reserved network address" in text:
        return PRIVATE_ADDRESS_FIX
    if "authentication parameters" in text or "401" in text:
        return "Give `connect` the backend's MICRO_MODELS_BASIC_AUTH_USER and MICRO_MODELS_BASIC_AUTH_PASSWORD."
    if "421" in text or "Misdirected" in text:
        return f'Start the backend with MICRO_MODELS_ALLOWED_HOSTS=["{httpx.URL(url).host}"], since it is called so.'
    if httpx.URL(url).host in LOOPBACK:
        return (
            "Is `micro-models serve` running on that port? For a Label Studio in a container `localhost` is that "
            "container: connect with --backend-url http://host.docker.internal:<port>, or the backend's service name."
        )
    if any(word in text for word in ("resolve", "Name or service", "getaddrinfo")):
        return "Label Studio does not know that host name: use one that it can resolve, for instance a service name."
    return "Is `micro-models serve` running there, and may Label Studio's machine reach it (firewall, port, network)?"


def _key(studio: Studio) -> Check:
    kinds = {"legacy": "legacy token", "personal": "personal access token, exchanged automatically"}
    kind = studio.http.auth.kind
    if kind == "access":
        fix = "Use the personal access token itself (Account & Settings, Personal Access Token)."
        return Check("API key", False, "the key is a short-lived access token, good for five minutes", fix)
    try:
        user = studio.whoami()
    except StudioError as error:
        what, _, fix = str(error).partition(". ")
        return Check("API key", False, what, fix)
    return Check("API key", True, f"{kinds[kind]} of {user.get('email', 'an unnamed user')} at {studio.url}")


def _config(row: dict[str, Any]) -> Check:
    name = "labeling config"
    try:
        controls = labeling_config.parse(row["label_config"]).require()
    except LabelingConfigError as error:
        what, _, fix = str(error).partition("Supported ")
        return Check(name, False, what.strip(), f"Supported {fix.strip()}" if fix else "Mend the labeling config.")
    return Check(name, True, ", ".join(f"{c.tag} {c.from_name!r}: {', '.join(c.labels)}" for c in controls))


def _backend(mine: dict[str, Any] | None, backends: list[dict[str, Any]], url: str, project: int) -> Check:
    name = "backend"
    if mine is None:
        others = ", ".join(backend["url"] for backend in backends) or "none"
        return Check(name, False, f"{url} is not registered (registered: {others})", _connect(project, url))
    if mine["state"] != "CO":
        text = str(mine.get("error_message") or mine.get("readable_state") or mine["state"])
        return Check(name, False, f"Label Studio cannot use {url}: {text[:300]}", diagnose(url, text))
    if mine["id"] != backends[0]["id"]:
        fix = f"Remove {backends[0]['url']} under Settings > Model: Label Studio asks the first backend only."
        return Check(name, False, f"{url} is registered, but after {backends[0]['url']}", fix)
    later = [backend["url"] for backend in backends if backend["id"] != mine["id"]]
    also = f"; Label Studio does not ask {', '.join(later)}, which comes after it" if later else ""
    return Check(name, True, f"{url} is registered as {mine['title']!r} and answers Label Studio{also}")


def _webhook(hooks: list[dict[str, Any]], url: str, secret: str | None, project: int) -> Check:
    name, fix = "webhook", _connect(project, url)
    same = [hook for hook in hooks if hook["url"].rstrip("/") == f"{url}/webhook" and hook["is_active"]]
    if not same:
        found = "no active webhook leads to this backend: it would never hear of a label"
        return Check(name, False, found, f"{fix} If it is refused: {PRIVATE_ADDRESS_FIX}")
    if len(same) > 1:
        return Check(
            name, False, f"{len(same)} webhooks lead to this backend: every event comes {len(same)} times", fix
        )
    hook = same[0]
    if not (hook["send_payload"] and hook["send_for_all_actions"]):
        return Check(name, False, f"{hook['url']} does not send every event with its payload", fix)
    headers = {key.lower(): value for key, value in (hook["headers"] or {}).items()}
    if secret is not None and headers.get(SECRET_HEADER.lower()) != secret:
        return Check(name, False, f"{hook['url']} does not carry this backend's secret: its events are refused", fix)
    return Check(name, True, f"{hook['url']} gets every event")


def _model_version(row: dict[str, Any], mine: dict[str, Any], project: int) -> Check:
    title = mine["title"]
    name, version = "predictions shown", row.get("model_version")
    if row.get("show_collab_predictions") is False:
        return Check(
            name, False, "the project hides predictions", "Switch on Settings > Annotation > Show predictions."
        )
    if version != title:
        found = f"the project shows predictions of {version!r}, ours are {title!r}: no scores, no uncertainty sampling"
        return Check(name, False, found, _connect(project, str(mine["url"])))
    return Check(name, True, f"the project shows predictions of {title!r}")


def _smart_tools(row: dict[str, Any], mine: dict[str, Any], project: int, url: str) -> list[Check]:
    """Whether smart tools are answered; nothing where the labeling config has none."""
    names = ", ".join(map(repr, smart_tools(row["label_config"])))
    if not names:
        return []
    if not mine.get("is_interactive"):
        found = f"{names} asks nobody: the backend is not used for interactive preannotations"
        return [Check("smart tools", False, found, _connect(project, url))]
    return [Check("smart tools", True, f"{names}: with Auto-Annotation on, what is drawn is answered by one object")]


def _order(row: dict[str, Any], project: int, url: str) -> Check:
    name, button = "order of tasks", 'the button "Label All Tasks" begins with the least certain'
    limits = "a stream that is reloaded, or started from a filtered tab, goes by their numbers"
    if row["sampling"] == UNCERTAIN:
        return Check(name, True, f"{button}; {limits}")
    fix = f"{_connect(project, url, ' --uncertainty')} Then {button}; {limits}."
    return Check(name, True, f"tasks are handed out by {row['sampling']!r}, whatever is predicted", fix)


def _connect(project: int, url: str, more: str = "") -> str:
    return f"Run `micro-models connect --project {project} --backend-url {url.rstrip('/')}{more}`."


def _local_files(studio: Studio, project: int) -> Check | None:
    """Whether local files are served; None where the first tasks use none."""
    name = "local files"
    try:
        sample = list(islice(studio.tasks(project, page_size=SAMPLE), SAMPLE))
        urls = [value for task in sample for value in task["data"].values() if isinstance(value, str)]
        if not any("/data/local-files/" in url for url in urls):
            return None
        storages = studio.local_storages(project)
    except StudioError as error:
        return Check(
            name, False, str(error), "Check that the API key's user may read the project's tasks and storages."
        )
    if storages:
        return Check(name, True, f"served out of {', '.join(str(storage.get('path')) for storage in storages)}")
    return Check(
        name,
        False,
        "tasks use /data/local-files/, but the project has no import storage of local files: Label Studio answers 404",
        "Add one under Settings > Cloud Storage > Add Source Storage > Local files, for the folder of the images (a "
        "subfolder of LOCAL_FILES_DOCUMENT_ROOT), and start Label Studio with LOCAL_FILES_SERVING_ENABLED=true.",
    )
