"""Download of one file: from Label Studio with the key, from allowed hosts without, nothing from anywhere else."""

from collections.abc import Callable, Collection
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import BinaryIO

import httpx

from backend.cancel import NEVER, CancelToken
from backend.errors import MediaError, StudioForbidden, StudioUnreachable
from backend.studio import patience
from backend.studio.auth import same_origin
from backend.studio.client import Studio
from backend.studio.patience import Patience
from backend.studio.slow_hosts import SlowHosts
from backend.studio.source import check_credentials, is_media, plain
from backend.studio.transport import PASSING, RAW, RetryTransport, not_secure, unreachable
from backend.studio.validators import Validators

MOST_REDIRECTS = 5
RESUMES = 5
"""Times a cut answer is continued: Label Studio ends its own proxied streams after 20 s."""
WAIT = httpx.Timeout(60.0, connect=5.0)
LONGEST_SECONDS = 1800.0
"""Waited for one file in all: a video of 1 GB at 600 kB a second."""
GRACE_SECONDS = 20.0
"""Within which a file begins, and each so many of which must bring `SLOWEST` bytes a second."""
SLOWEST = 10_000.0
"""Bytes a second of a slow mobile line. A file that comes more slowly is given up until the next training."""


@dataclass(frozen=True, slots=True)
class FileRequest:
    """A file to fetch."""

    url: httpx.URL
    trusted: bool
    """Label Studio serves it and may redirect to a storage that is not listed."""
    cancel: CancelToken = NEVER
    """Called about each second while waiting; what it raises ends the wait and passes through."""


class Download:
    """Writes what is at a URL into a file. Thread-safe."""

    def __init__(
        self,
        studio: Studio | None,
        allowed_hosts: Collection[str],
        limit_bytes: int,
        transport: httpx.BaseTransport | None = None,
        certificates: Path | None = None,
    ) -> None:
        self._studio, self._certificates = studio, certificates
        self._allowed = frozenset(host.lower() for host in allowed_hosts)
        self._limit = limit_bytes
        self._transport = transport
        self._slow = SlowHosts()

    @cached_property
    def _elsewhere(self) -> httpx.Client:
        """A client of its own, which has never seen the key, for every host that is not Label Studio's."""
        return httpx.Client(
            timeout=WAIT,
            follow_redirects=False,
            trust_env=False,
            transport=RetryTransport(self._transport or patience.transport(certificates=self._certificates)),
        )

    def close(self) -> None:
        """Close the connections."""
        if "_elsewhere" in self.__dict__:
            self._elsewhere.close()

    def write(self, wanted: FileRequest, file: BinaryIO) -> Validators:
        """Fetch a file; returns what tells this content from a later one."""
        return self._follow(wanted, lambda url: self._fetch(url, file))

    def is_changed(self, wanted: FileRequest, known: Validators) -> bool:
        """Whether there is other content at the URL than that of `known`; False where the server does not tell."""

        def ask(url: httpx.URL) -> Validators | httpx.URL:
            response = self._open(url, known.headers())
            try:
                if response.has_redirect_location:
                    return _target(url, response)
                if response.status_code == httpx.codes.NOT_MODIFIED:
                    return known
                self._check(response, url)
                return Validators.of(response)
            finally:
                response.close()

        return known.differ(self._follow(wanted, ask))

    def _follow(self, wanted: FileRequest, fetch: Callable[[httpx.URL], Validators | httpx.URL]) -> Validators:
        """What `fetch` finds at the end of the redirects, each of which must be allowed."""
        url, trusted = wanted.url, wanted.trusted
        with patience.during(Patience(LONGEST_SECONDS, GRACE_SECONDS, SLOWEST, wanted.cancel)) as waiting:
            for _ in range(MOST_REDIRECTS + 1):
                self.require_allowed(url, trusted)
                self._slow.check(url.host, self._is_studio(url))
                try:
                    found = fetch(url)
                except (StudioUnreachable, httpx.TransportError) as error:
                    raise self._failure(url, error, waiting) from error
                self._slow.answered(url.host)
                if isinstance(found, Validators):
                    return found
                # Only Label Studio itself may send us anywhere; from there on the list counts again.
                trusted = self._is_studio(url) or same_origin(found, url)
                url = found
        raise MediaError(f"{plain(url)}: more than {MOST_REDIRECTS} redirects. Expected a file.")

    def _failure(self, url: httpx.URL, error: Exception, waiting: Patience) -> Exception:
        """What a failed connection means: for this file alone, or for all."""
        if waiting.left <= 0:
            self._slow.gave_up(url.host)
            return MediaError(
                f"{plain(url)}: {waiting.received} bytes in {waiting.waited:.0f} s. Expected at least "
                f"{SLOWEST / 1000:.0f} kB a second; it is tried again at the next training. Is {url.host} overloaded?"
            )
        if self._is_studio(url):
            if isinstance(error, StudioUnreachable):
                return error
            return StudioUnreachable(unreachable(url, error))
        if isinstance(error, StudioUnreachable):
            why = not_secure(error) or f"no answer. Expected an image; is {url.host} up?"
            return MediaError(f"{plain(url)}: {why}")
        return MediaError(f"{plain(url)}: the answer broke off ({error}). Expected an image.")

    def require_allowed(self, url: httpx.URL, trusted: bool) -> None:
        """Raises MediaError for a host that may not be asked; `trusted` where Label Studio serves it."""
        check_credentials(url)
        named = {url.host.lower(), f"{url.host.lower()}:{url.port}"}
        # Label Studio's own origin is not on the list: another host's redirect may not spend our key there.
        if url.scheme not in ("http", "https") or not (trusted or named & self._allowed):
            raise MediaError(
                f"{plain(url)}: the host {url.host!r} is neither Label Studio's nor allowed. "
                f'Allow it with MICRO_MODELS_MEDIA_HOSTS=["{url.host}"], or import the media into Label Studio.'
            )

    def _is_studio(self, url: httpx.URL) -> bool:
        return self._studio is not None and same_origin(url, self._studio.http.base)

    def _fetch(self, url: httpx.URL, file: BinaryIO) -> Validators | httpx.URL:
        """Write the answer to `file`, or give back where it redirects to."""
        for _ in range(RESUMES + 1):
            start = file.tell()
            try:
                return self._stream(url, file, start)
            except httpx.TransportError:
                if file.tell() == start or patience.is_over():
                    raise
        raise MediaError(f"{plain(url)}: the answer broke off {RESUMES} times. Expected a whole file.")

    def _open(self, url: httpx.URL, headers: dict[str, str]) -> httpx.Response:
        """The answer, its body not read yet. Compression would make a Range count other bytes than those in the file."""
        keyed = self._studio is not None and self._is_studio(url) and is_media(url, self._studio.http.base)
        client = self._studio.http.httpx if keyed and self._studio is not None else self._elsewhere
        headers = {"Accept-Encoding": "identity", **headers}
        return client.send(client.build_request("GET", url, headers=headers, extensions={RAW: True}), stream=True)

    def _stream(self, url: httpx.URL, file: BinaryIO, start: int) -> Validators | httpx.URL:
        response = self._open(url, {"Range": f"bytes={start}-"} if start else {})
        try:
            if response.has_redirect_location:
                return _target(url, response)
            if start and not _continues(response, start):
                file.seek(0)  # the server knows no ranges: from the beginning
                file.truncate()
            self._check(response, url)
            for chunk in response.iter_bytes():
                if file.tell() + len(chunk) > self._limit:
                    raise MediaError(
                        f"{plain(url)}: larger than the media cache of {self._limit / 1e6:.0f} MB. "
                        "Raise MICRO_MODELS_MEDIA_CACHE_MB, or shrink it."
                    )
                file.write(chunk)
        finally:
            response.close()
        if file.tell() == 0:
            raise MediaError(f"{plain(url)}: an empty answer. Expected an image; upload it again.")
        return Validators.of(response, file.tell())

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
            raise MediaError(f"{plain(url)}: HTTP {status}, expected an image. {hint}")
        kind = response.headers.get("Content-Type", "")
        if kind.startswith(("text/html", "application/json")):
            raise MediaError(f"{plain(url)}: {kind}, expected an image. Does the URL lead to a page instead of a file?")


def _target(url: httpx.URL, response: httpx.Response) -> httpx.URL:
    try:
        return url.join(response.headers["Location"])
    except httpx.InvalidURL:
        raise MediaError(f"{plain(url)}: it redirects to what is no URL. Expected a file.") from None


def _continues(response: httpx.Response, start: int) -> bool:
    """Whether the answer goes on where the last one was cut."""
    if response.status_code != httpx.codes.PARTIAL_CONTENT:
        return False
    begins = response.headers.get("Content-Range", "").removeprefix("bytes ").partition("-")[0]
    return begins in ("", str(start))
