"""The media of tasks as local files: where it may come from, and how it gets here."""

import binascii
import hashlib
import re
import threading
import time
from base64 import b64decode
from collections.abc import Callable, Collection
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO
from urllib.parse import parse_qs, unquote_to_bytes, urlsplit

import httpx
import structlog

from backend import types
from backend.cancel import NEVER, CancelToken
from backend.errors import DamagedMedia, MediaError, StudioError
from backend.studio import images
from backend.studio.client import Studio
from backend.studio.disk_cache import DiskCache
from backend.studio.download import Download, FileRequest
from backend.studio.room import MemoryBudget
from backend.studio.source import short, source_of
from backend.studio.validators import Validators
from backend.studio.video_file import VideoFile

DECODED_BYTES = 512_000_000
"""Memory that the images which are being decoded may take together; a larger one is decoded alone."""
MOST_INLINE_BYTES = 32_000_000
"""Of a `data:` URI: more than a photograph has. It lies in Label Studio's database, and comes with every event."""
REST_SECONDS = 60.0
"""Until a server that could not be asked whether files have changed is asked again."""

log = structlog.get_logger(__name__)


def _nothing() -> None:
    """Goes on waiting."""


def _unsaid(remark: str) -> None:
    """Tells nobody."""


class MediaCache:
    """Local copies of the tasks' media, at most `limit_mb` of them; for any number of threads and processes."""

    def __init__(
        self,
        studio: Studio | None,
        folder: Path,
        limit_mb: int,
        allowed_hosts: Collection[str] = (),
        document_root: Path | None = None,
        *,
        recheck_seconds: float = 0.0,
        budget: MemoryBudget | None = None,
        transport: httpx.BaseTransport | None = None,
        clock: Callable[[], float] = time.time,
        certificates: Path | None = None,
    ) -> None:
        """`recheck_seconds`: how long a file is taken for current without asking its server. `budget`: for decoding."""
        self._studio = studio
        self._cache = DiskCache(folder, limit_mb * 1_000_000, clock)
        self._root = document_root.resolve() if document_root else None
        self._download = Download(studio, allowed_hosts, limit_mb * 1_000_000, transport, certificates)
        self._recheck, self._clock = recheck_seconds, clock
        self._budget = budget or MemoryBudget(DECODED_BYTES)
        self._lock = threading.Lock()
        self._unasked_until = 0.0

    def path(self, url: str, task_id: int, cancel: CancelToken = NEVER) -> Path:
        """A local file with the media at `url`, as a task's data holds it; a file that was replaced there is fetched anew.

        `cancel` is asked about each second while waiting; what it raises passes through. Raises MediaError where this
        task's media cannot be had, StudioUnreachable or StudioForbidden where no task's can.
        """
        if not isinstance(url, str) or not url.strip():
            raise MediaError(f"Task {task_id} has {url!r} where its image should be. Expected the URL of an image.")
        if is_inline(url):
            return self._cache.get(url, lambda file: _write_inline(url, file), cancel)
        local = self._local_file(url)
        if local is not None:
            return local
        wanted = FileRequest(*source_of(url, task_id, self._studio.http.base if self._studio else None), cancel)
        key = self._key(url)
        if self._is_replaced(key, wanted):
            self._cache.forget(key)

        def fill(file: BinaryIO) -> bytes:
            validators = self._download.write(wanted, file)
            return validators.with_digest(_digest(file)).dump()

        return self._cache.get(key, fill, cancel)

    def require_allowed(self, url: str, task_id: int) -> None:
        """Raises MediaError for what may not be fetched from here; asks nobody."""
        if not is_inline(url) and self._local_file(url) is None:
            base = self._studio.http.base if self._studio else None
            self._download.require_allowed(*source_of(url, task_id, base))

    def stamp(self, url: str) -> str:
        """What is known here, without a request, of the content at `url`: another content has another stamp.

        Empty where nothing is known, and for what is its own content.
        """
        if not isinstance(url, str) or is_inline(url):
            return ""
        local = self._known_local(url)
        if local is not None:
            status = local.stat()
            return f"{status.st_mtime_ns}-{status.st_size}"
        noted = self._cache.note(self._key(url))
        return Validators.load(noted[0]).digest[:16] if noted else ""

    def reject(self, url: str) -> None:
        """The content at `url` was of no use: fetch it again the next time. A file of the document root stays."""
        if is_inline(url):
            self._cache.forget(url)
        elif self._known_local(url) is None:
            self._cache.forget(self._key(url))

    def bytes(self, url: str, task_id: int) -> bytes:
        """The media at `url`; see `path`."""
        try:
            return self.path(url, task_id).read_bytes()
        except FileNotFoundError:  # another process evicted it between the two steps
            return self.path(url, task_id).read_bytes()

    def image(
        self,
        url: str,
        task_id: int,
        max_side: int | None = None,
        cancel: CancelToken = NEVER,
        remark: Callable[[str], object] = _unsaid,
    ) -> tuple[types.Image, tuple[int, int]]:
        """The decoded image at `url` and its original size; see `path` and `images.read`."""
        path, remarks = self.path(url, task_id, cancel), list[str]()
        try:
            found = images.read(path, max_side, budget=self._budget, remark=remarks.append, cancel=cancel)
        except DamagedMedia:
            self.reject(url)
            raise
        except MediaError:
            if path.exists():
                raise
            path = self.path(url, task_id, cancel)
            found = images.read(path, max_side, budget=self._budget, remark=remarks.append, cancel=cancel)
        for one in remarks:
            self.reject(url)  # it may have been cut on its way
            remark(one)
        return found

    def video(self, url: str, task_id: int, name: str, cancel: CancelToken = NEVER) -> VideoFile:
        """The video at `url`, which messages call `name`; see `path` and `VideoFile`."""
        path = self.path(url, task_id, cancel)
        try:
            return VideoFile(path, name)
        except DamagedMedia:
            self.reject(url)
            raise

    def close(self) -> None:
        """Close the connections to other hosts than Label Studio's."""
        self._download.close()

    def _known_local(self, url: str) -> Path | None:
        try:
            return self._local_file(url)
        except MediaError:
            return None

    def _key(self, url: str) -> str:
        return f"{self._studio.url if self._studio else ''}\n{url}"

    def _is_replaced(self, key: str, wanted: FileRequest) -> bool:
        """Whether the server says that the file here is not what it has now."""
        path, now = self._cache.path_of(key), self._clock()
        noted = self._cache.note(key)
        if now < self._unasked_until or (noted and now < noted[1] + self._recheck):
            return False
        try:
            known = Validators.load(noted[0]) if noted else Validators(size=path.stat().st_size)
        except FileNotFoundError:
            return False
        try:
            if self._download.is_changed(wanted, known):
                return True
        except MediaError as why:
            log.info("a file is kept that its server does not show any more", why=str(why))
        except StudioError as why:
            log.warning("Label Studio does not tell whether files have changed; they are kept", why=str(why))
            with self._lock:
                self._unasked_until = now + REST_SECONDS
            return False
        with suppress(OSError):  # a full disk: the server is asked again the next time
            self._cache.write_note(key, known.dump())  # its time is when the server was asked
        return False

    def _local_file(self, url: str) -> Path | None:
        """The file of a `/data/local-files/?d=` URL where this machine has it; never one outside the document root."""
        try:
            parts = urlsplit(url)
        except ValueError:
            return None  # no URL at all: `source_of` says so
        if self._root is None or not parts.path.rstrip("/").endswith("/data/local-files"):
            return None
        relative = parse_qs(parts.query).get("d", [""])[0]
        file = (self._root / relative.replace("\0", "").lstrip("/")).resolve()
        if "\0" in relative or not file.is_relative_to(self._root):
            raise MediaError(f"{short(url)} leads out of the document root {self._root}. Expected a path inside it.")
        return file if file.is_file() else None


def _digest(file: BinaryIO) -> str:
    """SHA-256 of a file, hexadecimal."""
    file.seek(0)
    digest = hashlib.sha256()
    while block := file.read(1 << 20):
        digest.update(block)
    return digest.hexdigest()


def is_inline(url: str) -> bool:
    """Whether the URL is a `data:` URI, which holds the media itself."""
    return url[:20].lstrip().lower().startswith("data:")


def _write_inline(url: str, file: BinaryIO) -> None:
    """Decode a `data:` URI as browsers do: base64 with or without padding and spaces, or percent-encoded."""
    head, comma, body = url.strip()[5:].partition(",")
    if not comma:
        raise MediaError("a data: URI without a comma. Expected data:image/png;base64,.. with an image in it.")
    if len(body) > 4 * MOST_INLINE_BYTES:
        raise MediaError(
            f"a data: URI of {len(body) / 1e6:.0f} MB. Expected at most {MOST_INLINE_BYTES // 1_000_000} MB."
        )
    content = unquote_to_bytes(body.partition("#")[0])
    if head.rstrip().lower().endswith("base64"):
        content = re.sub(rb"[\t\n\f\r ]", b"", content)
        try:
            content = b64decode(content.rstrip(b"=") + b"=" * (-len(content.rstrip(b"=")) % 4), validate=True)
        except (binascii.Error, ValueError):
            raise MediaError(
                "a data: URI that is no base64. Expected data:image/png;base64,.. with an image."
            ) from None
    if not 0 < len(content) <= MOST_INLINE_BYTES:
        raise MediaError(
            f"a data: URI of {len(content)} bytes. Expected an image of at most {MOST_INLINE_BYTES // 1_000_000} MB."
        )
    file.write(content)
