"""The media of tasks as local files: where it may come from, and how it gets here."""

import base64
import time
from collections.abc import Callable, Collection
from pathlib import Path, PurePosixPath
from typing import BinaryIO
from urllib.parse import parse_qs, unquote, urlsplit

import httpx

from backend import types
from backend.errors import MediaError
from backend.studio import images
from backend.studio.auth import same_origin
from backend.studio.client import Studio
from backend.studio.disk_cache import DiskCache
from backend.studio.download import Download

CLOUD_SCHEMES = frozenset({"s3", "s3s", "gs", "azure-blob"})
"""URIs that only Label Studio can open, with the credentials of its storages."""
OF_LABEL_STUDIO = ("/data/", "/storage-data/", "/tasks/", "/projects/")
"""Paths under which Label Studio serves media. The key goes nowhere else, whatever URL somebody wrote into a task."""


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
        transport: httpx.BaseTransport | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._studio = studio
        self._cache = DiskCache(folder, limit_mb * 1_000_000, clock)
        self._root = document_root.resolve() if document_root else None
        self._download = Download(studio, allowed_hosts, limit_mb * 1_000_000, transport)

    def path(self, url: str, task_id: int) -> Path:
        """A local file with the media at `url`, as a task's data holds it.

        Raises MediaError where this task's media cannot be had, StudioUnreachable or StudioForbidden where no
        task's can.
        """
        if not isinstance(url, str) or not url.strip():
            raise MediaError(f"Task {task_id} has {url!r} where its image should be. Expected the URL of an image.")
        local = self._local_file(url)
        if local is not None:
            return local
        source, trusted = self._source(url, task_id)

        def fill(file: BinaryIO) -> None:
            self._download.write(source, file, trusted)

        where = self._studio.url if self._studio else ""
        return self._cache.get(f"{where}\n{url}", fill)

    def bytes(self, url: str, task_id: int) -> bytes:
        """The media at `url`; see `path`."""
        try:
            return self.path(url, task_id).read_bytes()
        except FileNotFoundError:  # another process evicted it between the two steps
            return self.path(url, task_id).read_bytes()

    def image(self, url: str, task_id: int, max_side: int | None = None) -> tuple[types.Image, tuple[int, int]]:
        """The decoded image at `url` and its original size; see `path` and `images.read`."""
        path = self.path(url, task_id)
        try:
            return images.read(path, max_side)
        except MediaError:
            if path.exists():
                raise
        return images.read(self.path(url, task_id), max_side)

    def close(self) -> None:
        """Close the connections to other hosts than Label Studio's."""
        self._download.close()

    def _local_file(self, url: str) -> Path | None:
        """The file of a `/data/local-files/?d=` URL where this machine has it; never one outside the document root."""
        try:
            parts = urlsplit(url)
        except ValueError:
            return None  # no URL at all: `_source` says so
        if self._root is None or not parts.path.rstrip("/").endswith("/data/local-files"):
            return None
        relative = parse_qs(parts.query).get("d", [""])[0]
        file = (self._root / relative.replace("\0", "").lstrip("/")).resolve()
        if "\0" in relative or not file.is_relative_to(self._root):
            raise MediaError(f"{url} leads out of the document root {self._root}. Expected a path inside it.")
        return file if file.is_file() else None

    def _source(self, url: str, task_id: int) -> tuple[httpx.URL, bool]:
        """Where to download from, and whether Label Studio serves it (its redirects are to be trusted then)."""
        if url.partition("://")[0] in CLOUD_SCHEMES:
            encoded = base64.urlsafe_b64encode(url.encode()).decode()
            return self._at_studio(f"tasks/{task_id}/resolve/?fileuri={encoded}"), True
        try:
            asked = httpx.URL(url.strip())
        except httpx.InvalidURL:
            raise MediaError(f"{url[:200]!r} is not a URL. Expected the URL of an image.") from None
        if not asked.scheme and not asked.host:
            asked = self._at_studio(url.strip())
        if asked.scheme not in ("http", "https"):
            raise MediaError(
                f"{url[:200]!r} cannot be fetched. Expected an upload (/data/upload/..), a local file "
                f"(/data/local-files/?d=..), http(s), or through a storage of Label Studio: "
                f"{', '.join(sorted(CLOUD_SCHEMES))}."
            )
        if self._studio is not None and same_origin(asked, self._studio.http.base):
            _check_studio_path(asked, self._studio.http.base, url)
            return asked, True
        return asked, False

    def _at_studio(self, path: str) -> httpx.URL:
        """An URL at Label Studio; its path prefix may be in `path` already, or not."""
        if self._studio is None:
            raise MediaError(f"{path[:200]!r} is kept by Label Studio. Set LABEL_STUDIO_URL and LABEL_STUDIO_API_KEY.")
        prefix = self._studio.http.base.path.rstrip("/")
        if prefix and path.startswith(prefix + "/"):
            path = path[len(prefix) :]
        return httpx.URL(self._studio.http.url(path))


def _check_studio_path(asked: httpx.URL, base: httpx.URL, url: str) -> None:
    path = unquote(asked.path)
    path = path.removeprefix(base.path.rstrip("/"))
    if ".." in PurePosixPath(path).parts or not path.startswith(OF_LABEL_STUDIO):
        raise MediaError(
            f"{url[:200]!r} is no media of Label Studio. Expected a path under {' or '.join(OF_LABEL_STUDIO[:2])}."
        )
