"""Authentication: basic auth for people and for Label Studio's own calls, a secret header for its webhooks."""

import base64
import binascii
import hmac
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass

from fastapi import HTTPException
from starlette.datastructures import Headers

from backend.loop.services import Services
from backend.settings import Settings
from backend.studio.connection import SECRET_HEADER

CHALLENGE = {"WWW-Authenticate": 'Basic realm="micro-models", charset="UTF-8"'}
START_TRAINING = "START_TRAINING"


class BasicAuth:
    """What the settings demand of callers, where they do."""

    def __init__(self, settings: Settings) -> None:
        self.demanded = settings.basic_auth is not None
        both = ":".join(settings.basic_auth or ())
        # Browsers encode as we ask them to; Label Studio's HTTP library takes Latin-1.
        self._expected = [both.encode()]
        with suppress(UnicodeEncodeError):
            self._expected.append(both.encode("latin-1"))

    def check(self, headers: Headers) -> None:
        """Raises 401 for a caller without the right user and password."""
        if self.demanded and not self.vouches(headers):
            raise HTTPException(401, "User or password missing or wrong.", CHALLENGE)

    def vouches(self, headers: Headers) -> bool:
        """Whether a user and password are demanded and the headers carry them."""
        given = headers.getlist("authorization")
        scheme, _, token = given[0].partition(" ") if len(given) == 1 else ("", "", "")
        if not self.demanded or scheme.lower() != "basic":
            return False
        try:
            said = base64.b64decode(token.strip(), validate=True)
        except (binascii.Error, ValueError):
            return False
        return any(hmac.compare_digest(said, expected) for expected in self._expected)


@dataclass(frozen=True)
class Sender:
    """Whoever sends a webhook, as far as its headers tell."""

    trusted: bool
    """Basic auth, or the one secret of all projects, vouches for it."""
    projects: Mapping[int, bool]
    """{known project: whether it may send its events}: the secret is its own, or it has none."""
    known: bool
    """Whether it knows any secret, and may send much."""


class WebhookAuth:
    """Label Studio sends webhooks with the headers that were set for them, and without basic auth.

    Only START_TRAINING comes with basic auth, and without the headers. Who is allowed what is told from the headers
    alone, before any of the body is read; which project it is about stands in the body.
    """

    def __init__(self, services: Services, auth: BasicAuth) -> None:
        self._projects = services.registry.projects
        self._auth = auth
        self._one = services.settings.webhook_secret.get_secret_value().encode()

    def sender(self, headers: Headers) -> Sender:
        """Who it is; raises 401 where no project can be told by these headers."""
        secrets = self._projects.secrets()
        if self._auth.vouches(headers):
            return Sender(True, dict.fromkeys(secrets, True), True)
        given = headers.getlist(SECRET_HEADER)
        if given:
            said = given[0].encode("latin-1") if len(given) == 1 else b""
            # Each is compared, whatever comes out: the time tells nothing.
            equal = {id: [hmac.compare_digest(said, one.encode()) for one in own] for id, own in secrets.items()}
            mine = {id: any(of_project) for id, of_project in equal.items()}
            trusted = hmac.compare_digest(said, self._one) and bool(self._one)
            if trusted or any(mine.values()):
                return Sender(trusted, mine, True)
        unprotected = {id: not secret and not self._one for id, secret in secrets.items()}
        if given or not (any(unprotected.values()) or (secrets and not self._auth.demanded)):
            raise refused()
        return Sender(False, unprotected, False)

    def check(self, sender: Sender, project: int | None, action: str) -> None:
        """Raises 401 or 403 where the sender may not tell this of this project."""
        if sender.trusted:
            return
        if project is None or project not in sender.projects:
            raise HTTPException(
                403,
                f"Project {project} is not known here, and nothing vouches for it: run `micro-models connect`, or set "
                "MICRO_MODELS_WEBHOOK_SECRET for all projects.",
            )
        if action == START_TRAINING:
            if self._auth.demanded:
                raise HTTPException(401, "User or password missing or wrong.", CHALLENGE)
        elif not sender.projects[project]:
            raise refused()


def refused() -> HTTPException:
    """The answer to a webhook that does not know the secret."""
    return HTTPException(401, f"The header {SECRET_HEADER} is missing or wrong: run `micro-models connect` again.")
