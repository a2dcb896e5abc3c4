import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from backend.demo.backend_server import BackendServer
from backend.demo.label_studio_server import BLANK, DATABASE, LabelStudioServer
from backend.errors import DemoError


@pytest.fixture
def answering() -> Iterator[HTTPServer]:
    """Something on a port that answers every GET with a status."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.end_headers()
            self.wfile.write(json.dumps({"groups": [], "asked": self.path}).encode())

        def log_message(self, *_: object) -> None:
            pass

    server = HTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


def test_settings_of_another_label_studio_do_not_leak_in(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LABEL_STUDIO_HOST", "https://somewhere.example")
    monkeypatch.setenv("HEARTEX_DEBUG", "true")
    monkeypatch.setenv("DJANGO_DB", "default")
    env = LabelStudioServer(tmp_path, tmp_path).child.env
    assert not {"LABEL_STUDIO_HOST", "HEARTEX_DEBUG", "DJANGO_DB"} & env.keys()
    assert env["LABEL_STUDIO_BASE_DATA_DIR"] == str(tmp_path / "data")


def test_each_server_has_secrets_and_a_port_of_its_own(tmp_path: Path) -> None:
    one, other = LabelStudioServer(tmp_path, tmp_path), LabelStudioServer(tmp_path, tmp_path)
    assert len({one.token, other.token, one.password, other.password}) == 4
    assert one.child.command[-1] == str(one.port)


def test_label_studio_that_is_not_installed_is_said(tmp_path: Path) -> None:
    with pytest.raises(DemoError, match=r"no .*bin/label-studio.*make install-label-studio"):
        LabelStudioServer(tmp_path, tmp_path).start()


def test_label_studio_begins_with_an_empty_database_but_never_over_its_own(tmp_path: Path) -> None:
    program, blank = tmp_path / "bin" / "label-studio", tmp_path / BLANK
    for path, content in ((program, "#!/bin/sh\nexit 1\n"), (blank, "empty")):
        path.parent.mkdir()
        path.write_text(content)
    program.chmod(0o755)
    own = tmp_path / "demo" / "data" / DATABASE
    for kept in ("empty", "a project"):
        with pytest.raises(DemoError, match="Label Studio"):
            LabelStudioServer(tmp_path / "demo", tmp_path).start()
        assert own.read_text() == kept
        own.write_text("a project")


def test_the_backend_gets_its_settings_and_none_of_the_users(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MICRO_MODELS_TRAINING", "manual")
    server = BackendServer(tmp_path / "backend", "http://studio", "key", extra_env={"MICRO_MODELS_THREADS": "1"})
    env = server.child.env
    assert "MICRO_MODELS_TRAINING" not in env
    assert env["MICRO_MODELS_THREADS"] == "1"
    assert (env["LABEL_STUDIO_URL"], env["LABEL_STUDIO_API_KEY"]) == ("http://studio", "key")
    assert env["PORT"] == str(server.port)
    assert env["MICRO_MODELS_DATA_DIR"] == str(tmp_path / "backend")


def test_status_is_asked_for_one_project(tmp_path: Path, answering: HTTPServer) -> None:
    server = BackendServer(tmp_path, "", "")
    server.url = f"http://127.0.0.1:{answering.server_port}"
    assert server.status(7) == {"groups": [], "asked": "/status?project=7"}
