"""Whether a command and the running backend mean the same registry: else `connect` would tell it nothing.

The backend proves that it has a project's secret without showing it: an HMAC over a number that is used once.
"""

import hashlib
import hmac
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import httpx

from backend.loop.services import Services
from backend.studio.checks import Check
from model_registry import ProjectRecord, accepted_secrets

NAME = "running backend"
PATH = "/connection"
SECONDS = 5.0
"""Longest wait for the backend's answer."""
OF_A_CONTAINER = frozenset({"host.docker.internal", "host.containers.internal"})
"""Names of this machine that containers know, and often only they."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What a backend says of a project; without `content`, why it said nothing."""

    url: str
    content: Mapping[str, Any] | None
    why: str = ""
    refused: bool = False
    """It asks for credentials that we do not have."""
    proven: bool = False
    """It has the secret that this command has stored: both mean the same registry."""

    @property
    def is_stranger(self) -> bool:
        """Whether the backend keeps its data elsewhere than this command."""
        return self.content is not None and not self.proven


def proof(secret: str, project: int, nonce: str) -> str:
    """What only who has the secret can say."""
    return hmac.new(secret.encode(), f"{project}:{nonce}".encode(), hashlib.sha256).hexdigest()


def answer(services: Services, project: int, nonce: str) -> dict[str, Any]:
    """What this backend knows of a project, for whoever has the same registry to compare."""
    record = services.registry.projects.get(project)
    return {
        "known": record is not None,
        "key": record is not None and services.studio(record) is not None,
        "stopped": record.stopped if record else None,
        "proofs": [proof(secret, project, nonce) for secret in accepted_secrets(record.settings if record else {})],
        "folder": str(services.settings.folder),
    }


def ask(services: Services, project: ProjectRecord, backend_url: str) -> Answer:
    """Ask the backend that runs at this address, as this machine reaches it, what it knows of the project."""
    nonce = secrets.token_urlsafe(16)
    got = _asked(backend_url, project.id, nonce, services.settings.basic_auth)
    told = got.content.get("proofs") if got.content else None
    wanted = [proof(secret, project.id, nonce) for secret in accepted_secrets(project.settings)]
    return replace(got, proven=isinstance(told, list) and any(text in wanted for text in told))


def judge(services: Services, project: ProjectRecord, got: Answer) -> Check:
    """Whether the running backend has what it needs for the project."""
    content, number = got.content or {}, project.id
    connect = f"micro-models connect --project {number} --backend-url {got.url}"
    if got.refused:
        fix = "Give this command MICRO_MODELS_BASIC_AUTH_USER and MICRO_MODELS_BASIC_AUTH_PASSWORD as the backend has them."
        return Check(NAME, False, f"{got.url} asks for a user and a password", fix)
    if got.content is None:
        fix = f"Run `micro-models check --project {number} --backend-url {got.url}` on the backend's machine."
        return Check(NAME, True, f"not asked from here what it knows: {got.why}", fix)
    if not got.proven:
        what = "has another secret for" if content.get("known") else "does not know"
        folder, ours = content.get("folder"), services.settings.folder
        return Check(
            NAME, False,
            f"{got.url} {what} project {number}: its data folder is {folder}, that of this command {ours}",
            f"Run `MICRO_MODELS_DATA_DIR={folder} {connect} --url URL --api-key KEY`, with the "
            "backend's MICRO_MODELS_DATABASE_URL where it has one; of a backend in a container, inside of it.",
        )  # fmt: skip
    if not content.get("key"):
        fix = f"Run `{connect} --url URL --api-key KEY`."
        return Check(NAME, False, f"{got.url} knows project {number}, but no API key of Label Studio", fix)
    if content.get("stopped"):
        return Check(NAME, False, f"{got.url} has stopped project {number}: {content['stopped']}", f"Run `{connect}`.")
    return Check(NAME, True, f"{got.url} knows project {number}, its key and its secret")


def _asked(backend_url: str, project: int, nonce: str, auth: tuple[str, str] | None) -> Answer:
    url = httpx.URL(backend_url.strip().rstrip("/"))
    if url.host in OF_A_CONTAINER:
        url = url.copy_with(host="127.0.0.1")
    base = str(url).rstrip("/")
    try:
        # Its own transport, so that a proxy of the environment is not asked for this machine.
        with httpx.Client(transport=httpx.HTTPTransport(), timeout=SECONDS, auth=auth) as client:
            response = client.get(base + PATH, params={"project": project, "nonce": nonce})
        if response.status_code in (401, 403):
            return Answer(base, None, refused=True)
        content = response.json() if response.status_code == 200 else None
    except httpx.HTTPError as error:
        return Answer(base, None, f"{base} gives no answer ({type(error).__name__})")
    except ValueError:
        content = None
    if not isinstance(content, dict) or "proofs" not in content:
        return Answer(base, None, f"{base} is no micro-models backend of this release (HTTP {response.status_code})")
    return Answer(base, content)
