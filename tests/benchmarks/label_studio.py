"""A Label Studio over HTTP with as much of the API as the loop calls, in memory: it survives every kill of the backend."""

import itertools
import json
import re
import threading
from collections import Counter
from collections.abc import Callable, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

from tests.loop.house import picture

Answer = tuple[int, Any]
"""HTTP status, and JSON or the bytes of a picture."""
MISSING: Answer = (404, {"detail": "Not found."})


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, *_: object) -> None:
        pass  # who asked was killed


class LabelStudio:
    """Projects, tasks with their annotations, predictions. Use `lock` to change several things at a time."""

    def __init__(self) -> None:
        self.projects: dict[int, dict[str, Any]] = {}
        self.tasks: dict[int, dict[str, Any]] = {}
        self.predictions: dict[int, dict[str, Any]] = {}
        self.calls: Counter[str] = Counter()
        self.unknown: Counter[str] = Counter()
        """Requests that nothing here answers: among them would be every write of an annotation."""
        self.lock = threading.RLock()
        self._ids = itertools.count(100_000)
        self._routes: tuple[tuple[str, str, Callable[..., Answer]], ...] = (
            ("GET", r"/api/current-user/whoami/?", lambda _: (200, {"id": 1})),
            ("GET", r"/api/version/?", lambda _: (200, {"release": "1.23.2"})),
            ("GET", r"/api/(?:ml|webhooks)/?", lambda _: (200, [])),
            ("GET", r"/api/projects/?", lambda _: (200, {"results": list(self.projects.values()), "next": None})),
            ("GET", r"/api/projects/(\d+)/?", self._project),
            ("GET", r"/api/tasks/?", self._tasks),
            ("POST", r"/api/projects/(\d+)/import/predictions/?", self._import),
            ("PATCH", r"/api/predictions/(\d+)/?", self._update),
            ("GET", r"/data/upload/\d+/(\d+)\.png", lambda _, task: (200, picture(task))),
        )
        self._server = _Server(("127.0.0.1", 0), self._handler())
        self.url = f"http://127.0.0.1:{self._server.server_port}"

    def __enter__(self) -> "LabelStudio":
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()

    def new_id(self) -> int:
        """An id that nothing else has."""
        return next(self._ids)

    def answer(self, method: str, path: str, query: Mapping[str, str], body: Any) -> Answer:
        """What one request gets."""
        for verb, pattern, found in self._routes:
            match = re.fullmatch(pattern, path) if verb == method else None
            if match:
                with self.lock:
                    self.calls[method] += 1
                    return found(query if method == "GET" else body, *map(int, match.groups()))
        self.unknown[f"{method} {path}"] += 1
        return MISSING

    def _project(self, _: object, project: int) -> Answer:
        return (200, self.projects[project]) if project in self.projects else MISSING

    def _tasks(self, query: Mapping[str, str]) -> Answer:
        project, rows = int(query["project"]), sorted(self.tasks.items())
        found = [row for _, row in rows if row["project"] == project]
        for item in json.loads(query["query"])["filters"]["items"]:
            if item["operator"] == "greater":
                found = [row for row in found if row["id"] > item["value"]]
            elif item["operator"] == "in_list":
                found = [row for row in found if row["id"] in item["value"]]
        found = found[: int(query["page_size"])]
        if "predictions" in query.get("include", ""):
            found = [{"id": row["id"], "predictions": self.predictions_of(row["id"])} for row in found]
        return 200, {"tasks": found, "total": len(found)}

    def predictions_of(self, task: int) -> list[dict[str, Any]]:
        """The predictions of a task, oldest first."""
        return [{"id": id_, **one} for id_, one in self.predictions.items() if one["task"] == task]

    def _import(self, items: list[dict[str, Any]], project: int) -> Answer:
        # It refuses a whole request for one task that is gone.
        if any(self.tasks.get(item["task"], {}).get("project") != project for item in items):
            return 400, {"detail": "task not found"}
        self.predictions.update({self.new_id(): dict(item) for item in items})
        return 201, {"created": len(items)}

    def _update(self, item: dict[str, Any], prediction: int) -> Answer:
        if prediction not in self.predictions:
            return MISSING
        self.predictions[prediction] |= item
        return 200, {}

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        studio = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, *_: object) -> None:
                pass

            def _do(self) -> None:
                raw = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                where = urlsplit(self.path)
                query = {key: values[0] for key, values in parse_qs(where.query).items()}
                status, content = studio.answer(self.command, where.path, query, json.loads(raw) if raw else None)
                kind = "image/png" if isinstance(content, bytes) else "application/json"
                body = content if isinstance(content, bytes) else json.dumps(content).encode()
                self.send_response(status)
                self.send_header("Content-Type", kind)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            do_GET = do_POST = do_PATCH = do_DELETE = do_PUT = _do

        return Handler
