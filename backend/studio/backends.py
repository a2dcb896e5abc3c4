"""Label Studio's API for ML backends and webhooks, as far as this product needs it."""

from collections.abc import Mapping
from typing import Any

from backend.studio.answers import list_of, object_of
from backend.studio.transport import StudioHttp


class BackendCalls:
    """Calls about what a project is connected to, over one HTTP client."""

    http: StudioHttp

    def backends(self, project: int) -> list[dict[str, Any]]:
        """The ML backends of a project, first the one that predicts. Label Studio calls each of them for this.

        Raises StudioUnreachable for an answer that is no list of backends: it must not pass for "there are none".
        """
        rows = self.http.json("GET", "api/ml/", params={"project": project})
        return list_of(rows, "a list of ML backends", "id", "url", "title")

    def connect_backend(self, project: int, url: str, title: str, **fields: Any) -> dict[str, Any]:
        """Register an ML backend; Label Studio calls its /health and /setup before it answers."""
        body = {"project": project, "url": url, "title": title, **fields}
        return object_of(self.http.json("POST", "api/ml", json=body))

    def set_backend(self, backend: int, **fields: Any) -> dict[str, Any]:
        """Change fields of a registered ML backend."""
        return object_of(self.http.json("PATCH", f"api/ml/{backend}", json=fields))

    def remove_backend(self, backend: int) -> None:
        """What 'Delete' on the Model page does. Its webhook stays."""
        self.http.json("DELETE", f"api/ml/{backend}")

    def start_training(self, backend: int) -> None:
        """What the 'Start training' button does."""
        self.http.json("POST", f"api/ml/{backend}/train", json={})

    def webhooks(self, project: int) -> list[dict[str, Any]]:
        """The webhooks of a project, with their headers."""
        rows = self.http.json("GET", "api/webhooks/", params={"project": project})
        return list_of(rows, "a list of webhooks", "id", "url")

    def remove_webhook(self, webhook: int) -> None:
        """Have Label Studio call it no more."""
        self.http.json("DELETE", f"api/webhooks/{webhook}/")

    def put_webhook(self, project: int, url: str, headers: Mapping[str, str]) -> dict[str, Any]:
        """Make sure that exactly one webhook of the project calls `url`: for every event, with `headers`."""
        body = {"url": url, "send_payload": True, "send_for_all_actions": True, "is_active": True}
        same = [hook for hook in self.webhooks(project) if hook["url"].rstrip("/") == url.rstrip("/")]
        for extra in same[1:]:
            self.remove_webhook(extra["id"])
        if not same:
            body |= {"project": project, "headers": dict(headers)}
            return object_of(self.http.json("POST", "api/webhooks/", json=body))
        body["headers"] = {**(same[0]["headers"] or {}), **headers}
        return object_of(self.http.json("PATCH", f"api/webhooks/{same[0]['id']}/", json=body))
