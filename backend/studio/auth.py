"""The API key on the wire: to Label Studio's origin alone, a personal access token exchanged for short-lived ones."""

import threading
import time
from collections.abc import Callable, Generator
from datetime import UTC, datetime
from typing import Any, Literal

import httpx
import jwt

from backend.errors import StudioForbidden

Kind = Literal["legacy", "personal", "access"]

REFRESH_BEFORE_SECONDS = 60.0
"""An access token lives 300 s; renewed this long before, so that a slow request never outlives its token."""

RENEWABLE = "studio_renewable"
"""Request extension: a 401 is not the last word, the access token will be renewed and the request sent again."""


def key_kind(api_key: str) -> Kind:
    """What sort of key this is: a personal access token is a JWT refresh token, a legacy token is no JWT at all."""
    claims = _claims(api_key)
    if claims is None:
        return "legacy"
    return "access" if claims.get("token_type") == "access" else "personal"


def same_origin(one: httpx.URL, other: httpx.URL) -> bool:
    """Whether both name the same scheme, host and port."""
    return _origin(one) == _origin(other)


class StudioAuth(httpx.Auth):
    """Puts the key on requests to `base`'s origin and on no others; safe to use from several threads."""

    def __init__(self, base: httpx.URL, api_key: str, clock: Callable[[], float] = time.time) -> None:
        self._base = base
        self._key = api_key.strip()
        self._clock = clock
        self._lock = threading.Lock()
        self._access = ""
        self._access_until = 0.0
        self.kind: Kind = key_kind(self._key)
        """Decides how the key is sent."""

    def sync_auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        """httpx's hook: one request in, with its key out; one more where an access token had been revoked early."""
        request.headers.pop("Authorization", None)
        if not self._key or not same_origin(request.url, self._base):
            yield request
            return
        if self.kind != "personal":
            request.headers["Authorization"] = f"{'Token' if self.kind == 'legacy' else 'Bearer'} {self._key}"
            yield request
            return
        token = yield from self._fresh(request)
        request.headers["Authorization"] = f"Bearer {token}"
        request.extensions[RENEWABLE] = True
        response = yield request
        request.extensions.pop(RENEWABLE)
        if response.status_code == httpx.codes.UNAUTHORIZED:
            token = yield from self._fresh(request, unless=token)
            request.headers["Authorization"] = f"Bearer {token}"
            yield request

    def _fresh(self, request: httpx.Request, unless: str = "") -> Generator[httpx.Request, httpx.Response, str]:
        """A valid access token other than `unless`; threads wait for one exchange instead of each making its own."""
        with self._lock:
            if self._access and self._access != unless and self._clock() < self._access_until - REFRESH_BEFORE_SECONDS:
                return self._access
            self._refuse_expired()
            url = self._base.copy_with(path=self._base.path.rstrip("/") + "/api/token/refresh/", query=None)
            # The timeouts of the request that waits for the token hold for its exchange too.
            response = yield httpx.Request("POST", url, json={"refresh": self._key}, extensions=request.extensions)
            response.read()
            self._access = _access_of(response)
            lifetime = _claims(self._access) or {}
            self._access_until = float(lifetime.get("exp", self._clock() + 300))
            return self._access

    def _refuse_expired(self) -> None:
        until = (_claims(self._key) or {}).get("exp")
        if until is not None and float(until) <= self._clock():
            day = datetime.fromtimestamp(float(until), UTC).date()
            raise StudioForbidden(
                f"The personal access token ran out on {day}. Make a new one in Label Studio under Account & Settings, "
                "Personal Access Token, and set it as LABEL_STUDIO_API_KEY."
            )


def _access_of(response: httpx.Response) -> str:
    if response.status_code == httpx.codes.OK:
        try:
            return str(response.json()["access"])
        except (ValueError, KeyError, TypeError):
            pass
    raise StudioForbidden(
        f"Label Studio did not exchange the personal access token (HTTP {response.status_code}: "
        f"{response.text[:200]}). Expected an access token from {response.request.url}. "
        "Make a new token in Label Studio under Account & Settings, and check that LABEL_STUDIO_URL is this server's."
    )


def _claims(token: str) -> dict[str, Any] | None:
    """The unverified claims of a JWT (Label Studio verifies them, we only read the dates), None for other strings."""
    try:
        claims: dict[str, Any] = jwt.decode(token, options={"verify_signature": False, "verify_exp": False})
    except jwt.InvalidTokenError:
        return None
    return claims


def _origin(url: httpx.URL) -> tuple[str, str, int | None]:
    return url.scheme, url.host, url.port or {"http": 80, "https": 443}.get(url.scheme)
