"""Kinds of holes that others had; the table in backend/README.md names a test for each."""

import ast
import re
from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from backend.studio.media import MediaCache
from backend.web import protocol
from backend.web.app import create_app
from backend.web.headers import HEADERS
from tests.loop.house import House

ROOT = Path(__file__).parents[2]
NAMED = re.findall(r"`(tests/[\w/]+\.py)::(\w+)`", (ROOT / "backend" / "README.md").read_text())
PATHS = [
    ("GET", "/"), ("GET", "/health"), ("GET", "/status?project=1"), ("GET", "/metrics"), ("GET", "/versions"),
    ("GET", "/openapi.json"), ("GET", "/projects/1/groups/clip"), ("GET", "/projects/1/tasks/1/thumbnail"),
    ("GET", "/static/dashboard.js"), ("GET", "/nowhere"), ("GET", "/status"), ("GET", "/projects/1/groups/nope"),
    ("POST", "/setup"), ("POST", "/predict"), ("POST", "/webhook"), ("POST", "/projects/1/actions"),
    ("POST", "/projects/1/export"), ("OPTIONS", "/setup"),
]  # fmt: skip
THUMBNAIL = "/projects/1/tasks/1/thumbnail"
RUNS_CODE = {"pickle", "cPickle", "dill", "cloudpickle", "joblib", "marshal", "shelve"}


def test_the_table_names_tests() -> None:
    assert len(NAMED) > 25
    for file, name in NAMED:
        found = {
            node.name for node in ast.walk(ast.parse((ROOT / file).read_text())) if isinstance(node, ast.FunctionDef)
        }
        assert name in found, f"{file}::{name}"


@pytest.mark.parametrize(("method", "path"), PATHS)
def test_every_answer_has_our_headers(client: TestClient, method: str, path: str) -> None:
    for headers in ({}, {"host": "evil.example"}, {"accept": "text/html"}, {"origin": "http://evil.example"}):
        answer = client.request(method, path, headers=headers)
        assert {name: answer.headers.get(name) for name in HEADERS if name != "Cache-Control"} == {
            name: value for name, value in HEADERS.items() if name != "Cache-Control"
        }
        assert "server" not in answer.headers
        assert "access-control-allow-origin" not in answer.headers


@pytest.mark.parametrize(("method", "path"), [row for row in PATHS if row[1] != "/nowhere"])
@pytest.mark.parametrize(
    "headers",
    [
        {"origin": "http://evil.example"}, {"origin": "null"}, {"origin": "http://localhost:8080"},
        {"sec-fetch-site": "cross-site", "sec-fetch-mode": "no-cors"}, {"sec-fetch-site": "same-site"},
        {"host": "evil.example", "origin": "http://evil.example"}, {"host": "evil.example", "sec-fetch-site": "same-origin"},
    ],
)  # fmt: skip
def test_other_sites_pages_reach_no_route(
    client: TestClient, house: House, method: str, path: str, headers: dict[str, str]
) -> None:
    kind = {"content-type": "text/plain"} if method == "POST" else {}
    answer = client.request(method, path, headers={**headers, **kind}, content=b"{}" if method == "POST" else None)
    assert answer.status_code == (421 if "host" in headers else 403)
    if "host" in headers:
        assert "MICRO_MODELS_ALLOWED_HOSTS" in answer.text


@pytest.mark.parametrize("host", ["127.0.0.1", "0.0.0.0", "::", "192.168.1.5"])
def test_nobody_from_elsewhere_is_shown_label_studios_pictures(
    tmp_path: Path, host: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where others can call, they must give the password, though nobody set one; where not, pages of others get none."""
    house, fetched = House(tmp_path, host=host), list[int]()
    house.add_project()
    house.add_task(1)
    fetch = MediaCache.image
    monkeypatch.setattr(MediaCache, "image", lambda self, *asked: fetched.append(1) or fetch(self, *asked))
    client = TestClient(create_app(house.services))
    login = house.settings.basic_auth
    others: list[dict[str, str]] = [
        {"host": "evil.example"},
        {"origin": "http://evil.example"},
        {"sec-fetch-site": "same-site"},
    ]
    for headers in others:
        assert client.get(THUMBNAIL, headers=headers, auth=login).status_code in (403, 421)
    assert (login is None) == (host == "127.0.0.1")
    if login:
        for wrong in (None, (login[0], ""), (login[0], "x"), ("", login[1])):
            assert client.get(THUMBNAIL, auth=wrong).status_code == 401
    assert fetched == []
    assert client.get(THUMBNAIL, auth=login).headers["content-type"] == "image/jpeg"
    assert fetched
    house.registry.close()


def test_nothing_is_loaded_that_can_run_code() -> None:
    for path in (p for room in ("backend", "model_registry") for p in (ROOT / room).rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Import | ast.ImportFrom):
                names = {n.name.split(".")[0] for n in node.names} | {(getattr(node, "module", "") or "").split(".")[0]}
                assert not names & RUNS_CODE, path
                assert getattr(node, "module", None) != "yaml", path
            if isinstance(node, ast.Call):
                called = ast.unparse(node.func)
                # Nothing of YAML but what makes plain values of it.
                assert not called.startswith("yaml.") or called in {"yaml.safe_load", "yaml.safe_dump"}, (path, called)
                assert called not in {"eval", "exec", "compile", "__import__", "os.system"}, (path, called)
                safe = any(k.arg == "weights_only" and ast.unparse(k.value) == "True" for k in node.keywords)
                assert called not in {"torch.load", "np.load", "numpy.load"} or safe, (path, called)
                assert not any(k.arg == "shell" and ast.unparse(k.value) == "True" for k in node.keywords), path


@pytest.mark.parametrize(
    "group",
    ["//evil.example", "\\\\evil.example", "http://evil.example", "..", "../..", "a\r\nX-Evil: 1", "%0d%0aX-Evil:1"],
)
def test_a_button_leads_to_our_own_pages(client: TestClient, house: House, group: str) -> None:
    house.add_task(50, video=group)
    house.label(50)
    form = {"do": "train", "group": group}
    headers = {"sec-fetch-site": "same-origin"}
    answer = client.post("/projects/1/actions", data=form, headers=headers, follow_redirects=False)
    assert answer.status_code == 303
    assert answer.headers["location"].startswith("/projects/1/groups/")
    assert not {"x-evil"} & set(answer.headers)


@pytest.mark.parametrize("name", ["{{ 7 * 191 }}", "${7*191}", "{{ cycler.__init__.__globals__ }}"])
def test_a_name_is_no_template(client: TestClient, house: House, name: str) -> None:
    house.add_task(50, video=name)
    page = client.get("/projects/1/groups/", params={"name": name}).text
    assert name in page
    assert "1337" not in page.replace(name, "")


def test_a_mistake_of_ours_tells_nothing(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> None:
        raise RuntimeError("a detail of ours")

    monkeypatch.setattr(protocol, "_titles", broken)
    client = TestClient(create_app(house.services), raise_server_exceptions=False)
    for accept in ("*/*", "text/html"):
        answer = client.get("/versions", headers={"accept": accept})
        assert answer.status_code == 500
        assert "detail of ours" not in answer.text
        assert "Traceback" not in answer.text
        assert answer.headers["x-content-type-options"] == "nosniff"
