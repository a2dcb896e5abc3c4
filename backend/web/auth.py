"""Who may call: basic auth for Label Studio's own calls, a secret header for its webhooks."""

import base64
import hmac
from collections.abc import Mapping

from fastapi import HTTPException, Request

from backend.loop.probing import accepted_secrets
from backend.loop.services import Services
from backend.settings import Settings

SECRET_HEADER = "X-Micro-Models-Secret"


class BasicAuth:
    """A FastAPI dependency that demands the settings' user and password, where there are any."""

    def __init__(self, settings: Settings) -> None:
        user, password = settings.basic_auth_user, settings.basic_auth_password.get_secret_value()
        self._expected = b"Basic " + base64.b64encode(f"{user}:{password}".encode()) if user and password else None

    def __call__(self, request: Request) -> None:
        """Raises 401 for a caller without the right user and password."""
        if not self.holds(request.headers):
            raise HTTPException(
                401, "User or password missing or wrong.", {"WWW-Authenticate": 'Basic realm="micro-models"'}
            )

    def holds(self, headers: Mapping[str, str]) -> bool:
        """Whether the headers carry what is demanded."""
        given = headers.get("authorization", "").encode()
        return self._expected is None or hmac.compare_digest(given, self._expected)


def webhook_allowed(
    services: Services, auth: BasicAuth, project: int | None, action: str, headers: Mapping[str, str]
) -> bool:
    """Whether a webhook call may change anything.

    Label Studio sends its webhooks with the headers that were set for them, and without basic auth; START_TRAINING
    comes the other way round. A project that `connect` did not give a secret has none to check.
    """
    if action == "START_TRAINING":
        return auth.holds(headers)
    record = services.registry.projects.get(project) if project is not None else None
    if record is None or not record.settings.get("webhook_secret"):
        return True
    given = headers.get(SECRET_HEADER, "").encode()
    return any(hmac.compare_digest(given, secret.encode()) for secret in accepted_secrets(record))
