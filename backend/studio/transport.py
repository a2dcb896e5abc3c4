"""HTTP to Label Studio: retries with backoff, timeouts, and its answers turned into our errors with the fix in them."""

import random
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx

from backend.errors import StudioError, StudioForbidden, StudioMissing, StudioUnreachable
from backend.studio import patience
from backend.studio.auth import RENEWABLE, StudioAuth

TRIES = 4
"""Requests made in all for one that may be repeated: 0.5 + 1 + 2 s of waiting bridge a restart of a proxy."""
FIRST_PAUSE_SECONDS = 0.5
LONGEST_PAUSE_SECONDS = 30.0
"""Also for a Retry-After header that asks for more."""
PASSING = frozenset({429, 502, 503, 504})
"""Answers of a server or proxy that is busy or restarting."""
REPEATABLE = frozenset({"GET", "HEAD", "PUT", "PATCH"})
"""Methods that do no more when done twice. DELETE is not: the second answer would be a misleading 404."""

ADDRESS_FIX = (
    "Something else answers there, for instance a proxy while Label Studio restarts. If it stays so, check that "
    "LABEL_STUDIO_URL is Label Studio's address, with its path prefix if any."
)
LONGEST_SECONDS = 180.0
"""Waited for one answer of the API, repeats included: a page comes in a second or two, a busy Label Studio takes a minute."""
GRACE_SECONDS = 90.0
"""Before an answer's speed counts: longer than the timeout of a read, after which it is tried again."""
SLOWEST = 2_000.0
"""Bytes a second that an answer must bring on average after that. One that drips would hold the upkeep of all projects."""

RAW = "studio_raw"
"""Request extension: leave error answers to the caller."""

PRIVATE_ADDRESS_FIX = (
    "Start Label Studio with LABEL_STUDIO_ML_BLOCK_LOCAL_IP=false and LABEL_STUDIO_SSRF_PROTECTION_ENABLED=false "
    "(both are needed: the first for the backend, the second for its webhook)."
)


class RetryTransport(httpx.BaseTransport):
    """Repeats what may be repeated: anything whose connection failed, and idempotent requests that got no answer."""

    def __init__(self, inner: httpx.BaseTransport, sleep: Callable[[float], object] = patience.pause) -> None:
        self._inner = inner
        self._sleep = sleep

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """One request, tried up to `TRIES` times."""
        for attempt in range(TRIES):
            last = attempt == TRIES - 1
            try:
                response = self._inner.handle_request(request)
            except httpx.TransportError as error:
                unsent = isinstance(error, (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout))
                if last or patience.is_over() or not (unsent or request.method in REPEATABLE):
                    raise StudioUnreachable(unreachable(request.url, error)) from error
                self._sleep(_pause(attempt))
                continue
            if last or response.status_code not in PASSING or request.method not in REPEATABLE:
                return response
            wait = _pause(attempt, response.headers.get("Retry-After"))
            response.close()
            self._sleep(wait)
        raise AssertionError("the last attempt returns or raises")

    def close(self) -> None:
        """Close the connections."""
        self._inner.close()


class StudioHttp:
    """An authenticated HTTP client for one Label Studio."""

    def __init__(
        self,
        url: str,
        api_key: str,
        *,
        timeout: httpx.Timeout,
        transport: httpx.BaseTransport | None = None,
        clock: Callable[[], float] = time.time,
        sleep: Callable[[float], object] = patience.pause,
        certificates: Path | None = None,
    ) -> None:
        self.base = base_url(url)
        self.auth = StudioAuth(self.base, api_key, clock)
        self.httpx = httpx.Client(
            auth=self.auth,
            timeout=timeout,
            # Redirects are never followed blindly: a POST would become a GET, and media has rules of its own.
            follow_redirects=False,
            transport=RetryTransport(transport or patience.transport(16, certificates), sleep),
            event_hooks={"response": [raise_for_answer]},
        )

    def url(self, path: str) -> str:
        """`path` under Label Studio's address, its prefix kept."""
        return str(self.base).rstrip("/") + "/" + path.lstrip("/")

    def json(self, method: str, path: str, **arguments: Any) -> Any:
        """The decoded JSON answer of one API request; None for an empty one."""
        with answers(self.base):
            response = self.httpx.request(method, self.url(path), **arguments)
        if not response.content:
            return None
        try:
            return response.json()
        except ValueError:
            raise StudioUnreachable(
                f"{method} {response.url.copy_with(query=None)} answered {response.headers.get('Content-Type')}, "
                f"expected JSON. {ADDRESS_FIX}"
            ) from None

    def close(self) -> None:
        """Close the connections."""
        self.httpx.close()


def base_url(url: str) -> httpx.URL:
    """Label Studio's address without a slash at the end; raises StudioError for anything but an http(s) URL."""
    try:
        parsed = httpx.URL(url.strip())
    except httpx.InvalidURL:
        parsed = httpx.URL("")
    if parsed.scheme not in ("http", "https") or not parsed.host:
        raise StudioError(
            f"{url!r} is not the address of a Label Studio. Expected one like http://localhost:8080 or "
            "https://example.com/label-studio; set it as LABEL_STUDIO_URL."
        )
    return parsed.copy_with(path=parsed.path.rstrip("/") or "/", query=None, fragment=None)


@contextmanager
def answers(base: httpx.URL) -> Iterator[None]:
    """Turns failures while an answer is being read into StudioUnreachable, and so does one that does not come to its end."""
    try:
        with patience.during(patience.Patience(LONGEST_SECONDS, GRACE_SECONDS, SLOWEST)):
            yield
    except httpx.TransportError as error:
        raise StudioUnreachable(unreachable(base, error)) from error


def unreachable(url: httpx.URL, error: Exception) -> str:
    """Why there was no answer, and what to look at."""
    where = url.copy_with(path="/", query=None, fragment=None, userinfo=b"")
    if why := not_secure(error):
        return f"No answer from Label Studio at {where}: {why}"
    hint = "Is Label Studio running there, and reachable from this machine?"
    if url.host in ("localhost", "127.0.0.1", "::1"):
        hint += " Inside a container `localhost` is the container itself: use Label Studio's service or host name."
    return f"No answer from Label Studio at {where} ({type(error).__name__}: {error}). {hint}"


def not_secure(error: Exception) -> str | None:
    """What is wrong with a server's certificate, and what to do; None where the connection failed for another reason."""
    text = str(error)
    if "CERTIFICATE_VERIFY_FAILED" in text:
        why = text.partition("verify failed: ")[2].partition(" (_ssl")[0] or "it is not known"
        return (
            f"its certificate is not trusted ({why}). If it is your own, put it, or the authority that signed it, into a PEM "
            "file and name that as SSL_CERT_FILE, here and where the backend runs."
        )
    if "WRONG_VERSION_NUMBER" in text or "record layer failure" in text:
        return "it speaks no TLS. Is its address one with http:// rather than https://?"
    return None


def raise_for_answer(response: httpx.Response) -> None:
    """httpx response hook: raise the error that an answer of 300 or more stands for."""
    status, request = response.status_code, response.request
    if status < 300 or request.extensions.get(RAW) or request.url.path.endswith("/api/token/refresh/"):
        return
    with answers(request.url):
        response.read()
    if status == httpx.codes.UNAUTHORIZED and request.extensions.get(RENEWABLE):
        return
    what = f"{request.method} {request.url.path}"
    if response.has_redirect_location:
        raise StudioError(
            f"Label Studio answered {what} with a redirect to {response.headers['Location'][:200]}. "
            "Set LABEL_STUDIO_URL to the address it redirects to."
        )
    detail = _detail(response)
    if status == httpx.codes.UNAUTHORIZED:
        raise StudioForbidden(_unauthorized(detail))
    if "reserved network address" in detail:
        raise StudioError(f"Label Studio refuses private addresses: {detail}. {PRIVATE_ADDRESS_FIX}")
    if status == httpx.codes.FORBIDDEN:
        raise StudioForbidden(
            f"{what}: the API key's user may not do this ({detail}). Use the key of a user with access to the project."
        )
    if status == httpx.codes.NOT_FOUND and not _is_own(response):
        raise StudioUnreachable(
            f"{what} was answered HTTP 404 with {detail!r}, which is not Label Studio's. {ADDRESS_FIX}"
        )
    if status == httpx.codes.NOT_FOUND:
        raise StudioMissing(
            f"{what}: Label Studio has no such thing ({detail}). Expected it to exist for this API key."
        )
    if status in PASSING:
        raise StudioUnreachable(f"{what}: Label Studio is busy or restarting (HTTP {status}). Try again later.")
    if status >= httpx.codes.INTERNAL_SERVER_ERROR:
        raise StudioUnreachable(
            f"{what}: Label Studio failed with HTTP {status}: {detail}. Its log says why; try again later."
        )
    raise StudioError(f"{what}: Label Studio answered HTTP {status}: {detail}")


def _unauthorized(detail: str) -> str:
    if "legacy token" in detail:
        return (
            "Label Studio has legacy tokens switched off. Use a personal access token (Account & Settings, Personal "
            "Access Token), or start a fresh Label Studio with LABEL_STUDIO_ENABLE_LEGACY_API_TOKEN=true."
        )
    return (
        f"Label Studio does not know this API key ({detail}). Copy it again from Account & Settings in Label Studio "
        "and set it as LABEL_STUDIO_API_KEY."
    )


def _is_own(response: httpx.Response) -> bool:
    """Whether Label Studio's API gave this answer, rather than a proxy in front of it or something else in its place."""
    try:
        body = response.json()
    except ValueError:
        return False
    return isinstance(body, dict) and isinstance(body.get("detail"), str)


def _detail(response: httpx.Response) -> str:
    """What Label Studio says is wrong, in at most 500 characters."""
    try:
        body = response.json()
    except ValueError:
        kind = response.headers.get("Content-Type", "")
        return "a web page" if "html" in kind else response.text[:500]
    if isinstance(body, dict):
        parts = [body.get("detail"), body.get("validation_errors")]
        return ": ".join(str(part) for part in parts if part)[:500] or str(body)[:500]
    return str(body)[:500]


def _pause(attempt: int, retry_after: str | None = None) -> float:
    """Seconds to wait; with jitter, so that several workers do not come back at the same moment."""
    if retry_after and retry_after.isdigit():
        return min(float(retry_after), LONGEST_PAUSE_SECONDS)
    return FIRST_PAUSE_SECONDS * 2.0**attempt * random.uniform(0.8, 1.2)
