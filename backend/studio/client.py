"""Label Studio's API, as far as this product needs it."""

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
from label_studio_sdk.client import LabelStudio

from backend.errors import StudioUnreachable
from backend.studio import patience
from backend.studio.answers import list_of, object_of
from backend.studio.backends import BackendCalls
from backend.studio.predictions import PredictionCalls
from backend.studio.tasks import PAGE_SIZE
from backend.studio.transport import ADDRESS_FIX, StudioHttp


class Studio(PredictionCalls, BackendCalls):
    """One Label Studio, reached with one API key. Thread-safe.

    Resources are read and written through label-studio-sdk; what it has no method for, or wraps in pages that grow with
    the project, goes over the same HTTP client.
    """

    def __init__(
        self,
        url: str,
        api_key: str,
        *,
        timeout: float = 60.0,
        connect_timeout: float = 5.0,
        transport: httpx.BaseTransport | None = None,
        clock: Callable[[], float] = time.time,
        sleep: Callable[[float], object] = patience.pause,
        certificates: Path | None = None,
    ) -> None:
        """`certificates`: a PEM file of the authorities to trust in place of the usual ones."""
        limits = httpx.Timeout(timeout, connect=connect_timeout)
        self.http = StudioHttp(
            url, api_key, timeout=limits, transport=transport, clock=clock, sleep=sleep, certificates=certificates
        )
        # The SDK would put `api_key` on requests itself, without the exchange under a path prefix; ours replaces it.
        self._sdk = LabelStudio(  # type: ignore[no-untyped-call]
            base_url=str(self.http.base), api_key="set by StudioAuth", httpx_client=self.http.httpx, max_retries=0
        )

    @property
    def url(self) -> str:
        """Label Studio's address, without a slash at the end."""
        return str(self.http.base).rstrip("/")

    def close(self) -> None:
        """Close the connections."""
        self.http.close()

    def whoami(self) -> dict[str, Any]:
        """The API key's user: the cheapest request that shows whether the key is good."""
        return object_of(self.http.json("GET", "api/current-user/whoami"))

    def version(self) -> str:
        """Label Studio's version, empty where it does not say."""
        return str(object_of(self.http.json("GET", "api/version")).get("release", ""))

    def project(self, project: int) -> dict[str, Any]:
        """The project's row, with `label_config`, `title` and `model_version`."""
        row = object_of(self.http.json("GET", f"api/projects/{project}/"))
        if row.get("id") != project or not isinstance(row.get("label_config"), str):
            raise StudioUnreachable(f"Asked for project {project}, got {str(row)[:200]}. {ADDRESS_FIX}")
        return row

    def projects(self) -> Iterator[dict[str, Any]]:
        """All projects that the key's user may see; raises StudioUnreachable where the list is not whole."""
        page, found = {"page": 1, "page_size": PAGE_SIZE}, 0
        while True:
            answer = object_of(self.http.json("GET", "api/projects/", params=page))
            rows = list_of(answer.get("results"), "a list of projects")
            found += len(rows)
            yield from rows
            if not answer.get("next"):
                break
            page["page"] += 1
        if answer.get("count", found) != found:
            raise StudioUnreachable(f"Label Studio's list has {found} projects of {answer['count']}. Try again later.")

    def lists_project(self, project: int) -> bool:
        """Whether the project is among those that the key's user may see."""
        return any(row.get("id") == project for row in self.projects())

    def create_project(self, title: str, label_config: str, **fields: Any) -> dict[str, Any]:
        """A new project."""
        body = {"title": title, "label_config": label_config, **fields}
        return object_of(self.http.json("POST", "api/projects/", json=body))

    def set_project(self, project: int, **fields: Any) -> dict[str, Any]:
        """Change fields of a project."""
        return object_of(self.http.json("PATCH", f"api/projects/{project}/", json=fields))

    def views(self, project: int) -> list[dict[str, Any]]:
        """The tabs of the project's Data Manager."""
        return list_of(self.http.json("GET", "api/dm/views/", params={"project": project}), "a list of tabs", "id")

    def local_storages(self, project: int) -> list[dict[str, Any]]:
        """The import storages of a project that serve local files."""
        rows = self.http.json("GET", "api/storages/localfiles/", params={"project": project})
        return [dict(row) for row in rows]
