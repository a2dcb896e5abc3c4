"""Fetching one file: from Label Studio with the key, from allowed hosts without, nothing from anywhere else."""

from collections.abc import Collection
from typing import BinaryIO

import httpx

from backend.errors import MediaError, StudioForbidden, StudioUnreachable
from backend.studio.auth import same_origin
from backend.studio.client import Studio
from backend.studio.transport import PASSING, RAW, RetryTransport, unreachable

MOST_REDIRECTS = 5
RESUMES = 5
"""Times a cut answer is continued: Label Studio ends its own proxied streams after 20 s."""
WAIT = httpx.Timeout(60.0, connect=5.0)


class Download:
    """Writes what is at a URL into a file. Thread-safe."""

    def __init__(
        self,
        studio: Studio | None,
        allowed_hosts: Collection[str],
        limit_bytes: int,
        transport: httpx.BaseTransport | None = None,
    ) -> None:
        self._studio = studio
        self._allowed = frozenset(host.lower() for host in allowed_hosts)
        self._limit = limit_bytes
        # A client of its own, which has never seen the key, for every host that is not Label Studio's.
        self._elsewhere = httpx.Client(
            timeout=WAIT,
            follow_redirects=False,
            trust_env=False,
            transport=RetryTransport(transport or httpx.HTTPTransport()),
        )

    def close(self) -> None:
        """Close the connections."""
        self._elsewhere.close()

    def write(self, url: httpx.URL, file: BinaryIO, trusted: bool) -> None:
        """Fetch `url` into `file`; `trusted`: Label Studio serves it and may redirect to a storage not listed."""
        for _ in range(MOST_REDIRECTS + 1):
            if not trusted:
                self._check_host(url)
            target = self._fetch(url, file)
            if target is None:
                return
            # Only Label Studio itself may send us anywhere; from there on the list counts again.
            trusted = self._is_studio(url) or same_origin(target, url)
            url = target
        raise MediaError(f"{_short(url)}: more than {MOST_REDIRECTS} redirects. Expected a file.")

    def _check_host(self, url: httpx.URL) -> None:
        named = {url.host.lower(), f"{url.host.lower()}:{url.port}"}
        # Label Studio's own origin is not on the list: another host's redirect may not spend our key there.
        if url.scheme not in ("http", "https") or not named & self._allowed:
            raise MediaError(
                f"{_short(url)}: the host {url.host!r} is neither Label Studio's nor allowed. "
                f'Allow it with MICRO_MODELS_MEDIA_HOSTS=["{url.host}"], or import the media into Label Studio.'
            )

    def _is_studio(self, url: httpx.URL) -> bool:
        return self._studio is not None and same_origin(url, self._studio.http.base)

    def _fetch(self, url: httpx.URL, file: BinaryIO) -> httpx.URL | None:
        """Write the answer to `file`, or give back where it redirects to."""
        for _ in range(RESUMES + 1):
            start = file.tell()
            try:
                return self._stream(url, file, start)
            except StudioUnreachable:
                if self._is_studio(url):
                    raise
                raise MediaError(f"{_short(url)}: no answer. Expected an image; is {url.host} up?") from None
            except httpx.TransportError as error:
                if file.tell() == start:
                    if self._is_studio(url):
                        raise StudioUnreachable(unreachable(url, error)) from error
                    raise MediaError(f"{_short(url)}: the answer broke off ({error}). Expected an image.") from error
        raise MediaError(f"{_short(url)}: the answer broke off {RESUMES} times. Expected a whole file.")

    def _stream(self, url: httpx.URL, file: BinaryIO, start: int) -> httpx.URL | None:
        client = self._studio.http.httpx if self._studio is not None and self._is_studio(url) else self._elsewhere
        # Compression would make a Range count other bytes than those in the file.
        headers = {"Accept-Encoding": "identity", **({"Range": f"bytes={start}-"} if start else {})}
        request = client.build_request("GET", url, headers=headers, extensions={RAW: True})
        response = client.send(request, stream=True)
        try:
            if response.has_redirect_location:
                return url.join(response.headers["Location"])
            if start and response.status_code == httpx.codes.OK:
                file.seek(0)  # the server knows no ranges: from the beginning
                file.truncate()
            self._check(response, url)
            for chunk in response.iter_bytes():
                if file.tell() + len(chunk) > self._limit:
                    raise MediaError(
                        f"{_short(url)}: larger than the media cache of {self._limit / 1e6:.0f} MB. "
                        "Raise MICRO_MODELS_MEDIA_CACHE_MB, or shrink it."
                    )
                file.write(chunk)
        finally:
            response.close()
        if file.tell() == 0:
            raise MediaError(f"{_short(url)}: an empty answer. Expected an image; upload it again.")
        return None

    def _check(self, response: httpx.Response, url: httpx.URL) -> None:
        status = response.status_code
        if status == httpx.codes.UNAUTHORIZED and self._is_studio(url):
            raise StudioForbidden(
                "Label Studio does not accept the API key for media. Check it with `micro-models check`."
            )
        if status in PASSING and self._is_studio(url):
            raise StudioUnreachable(f"Label Studio is busy or restarting (HTTP {status} for media). Try again later.")
        if status >= 300:
            # Label Studio answers 500 for an upload that is gone, 404 for a file outside every storage.
            hint = (
                "Is it still there, and is there an import storage for it?"
                if self._is_studio(url)
                else "Is it still there?"
            )
            raise MediaError(f"{_short(url)}: HTTP {status}, expected an image. {hint}")
        kind = response.headers.get("Content-Type", "")
        if kind.startswith(("text/html", "application/json")):
            raise MediaError(
                f"{_short(url)}: {kind}, expected an image. Does the URL lead to a page instead of a file?"
            )


def _short(url: httpx.URL) -> str:
    """The URL without its query, which may hold a signature."""
    return str(url.copy_with(query=None, fragment=None, userinfo=b""))[:200]
