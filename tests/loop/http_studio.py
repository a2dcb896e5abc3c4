"""Label Studio's API over HTTP, in front of what a FakeStudio holds: answers shaped as those of 1.23.2, or spoilt."""

import json
import re
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, ClassVar
from urllib.parse import parse_qs, urlsplit

from tests.loop.house import FakeStudio

Answer = tuple[int, str, bytes]
"""(status, content type, body)"""


def as_json(body: object, status: int = 200) -> Answer:
    return status, "application/json", json.dumps(body).encode()


def page(text: str, status: int) -> Answer:
    return status, "text/html", text.encode()


NOT_FOUND = as_json({"status_code": 404, "version": "1.23.2", "detail": "No such thing matches the given query."}, 404)


class HttpStudio:
    """The server. `spoil` gets the path, and the answer that would be right, and gives the one that is sent."""

    def __init__(self, data: FakeStudio) -> None:
        self.data = data
        self.spoil: Callable[[str, Answer], Answer] = lambda path, answer: answer
        self.url = ""
        self.spoilt = 0
        """Answers that were not sent as they should have been."""

    def answer(self, method: str, target: str, body: bytes) -> Answer:
        where = urlsplit(target)
        right = self._route(method, where.path, {k: v[0] for k, v in parse_qs(where.query).items()}, body)
        sent = self.spoil(where.path, right)
        self.spoilt += sent != right
        return sent

    def _route(self, method: str, path: str, query: dict[str, str], body: bytes) -> Answer:
        data = self.data
        if path == "/api/tasks/":
            return self._tasks(json.loads(query["query"])["filters"]["items"], int(query["project"]), query)
        if path == "/api/projects/":
            return as_json({"count": len(data.projects), "next": None, "results": list(data.projects.values())})
        if path == "/api/ml/":
            return as_json(data.backends(int(query["project"])))
        if path == "/api/predictions/":
            return as_json([p | {"id": id_} for id_, p in data.predictions.items() if p["task"] == int(query["task"])])
        if found := re.fullmatch(r"/api/projects/(\d+)/import/predictions", path):
            data.import_predictions(int(found[1]), json.loads(body))
            return as_json({"created": len(json.loads(body))}, 201)
        if found := re.fullmatch(r"/api/(projects|tasks|annotations|predictions)/(\d+)/", path):
            if method == "PATCH" and int(found[2]) in data.predictions:
                data.update_predictions({int(found[2]): json.loads(body)})
            row = self._row(found[1], int(found[2]))
            return NOT_FOUND if row is None else as_json(row)
        return page("<html>404</html>", 404)

    def _row(self, kind: str, id_: int) -> dict[str, Any] | None:
        if kind == "projects":
            return self._project(id_)
        rows: dict[int, dict[str, Any]] = {
            "tasks": self.data.rows,
            "predictions": self.data.predictions,
            "annotations": {
                a["id"]: a | {"project": r["project"]} for r in self.data.rows.values() for a in r["annotations"]
            },
        }[kind]
        return rows.get(id_)

    def _project(self, id_: int) -> dict[str, Any] | None:
        row = self.data.projects.get(id_)
        if row is None:
            return None
        mine = [task for task in self.data.rows.values() if task["project"] == id_]
        skipped = [a["was_cancelled"] for task in mine for a in task["annotations"]]
        return {
            "created_at": "2026-01-01T00:00:00Z", "task_number": len(mine), "skipped_annotations_number": sum(skipped),
            "total_annotations_number": len(skipped) - sum(skipped),
        } | row  # fmt: skip

    def _tasks(self, filters: list[dict[str, Any]], project: int, query: dict[str, str]) -> Answer:
        rows = [row for _, row in sorted(self.data.rows.items()) if row["project"] == project]
        predictions = {
            row["id"]: [p | {"id": i} for i, p in self.data.predictions.items() if p["task"] == row["id"]]
            for row in rows
        }
        for one in filters:
            match one["operator"]:
                case "greater":
                    rows = [row for row in rows if row["id"] > one["value"]]
                case "in_list":
                    rows = [row for row in rows if row["id"] in one["value"]]
                case "contains":
                    [version] = one["value"]
                    rows = [row for row in rows if any(p["model_version"] == version for p in predictions[row["id"]])]
        shown = [row | {"predictions": predictions[row["id"]]} for row in rows[: int(query["page_size"])]]
        return as_json({"tasks": shown, "total": len(rows), "total_annotations": 0, "total_predictions": 0})


@contextmanager
def served(data: FakeStudio) -> Iterator[HttpStudio]:
    """The server on a free port."""
    studio = HttpStudio(data)

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        timeout: ClassVar[float] = 10

        def log_message(self, *_: object) -> None:
            pass

        def _do(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            status, kind, content = studio.answer(self.command, self.path, body)
            self.send_response(status)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        do_GET = do_POST = do_PATCH = do_DELETE = _do

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    studio.url = f"http://127.0.0.1:{server.server_address[1]}"
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield studio
    finally:
        server.shutdown()
        server.server_close()
