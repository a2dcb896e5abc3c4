"""The client, the media cache and the connection against a real Label Studio."""

import io
import json
import threading
from collections.abc import Iterator
from contextlib import closing
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Protocol

import pytest
from PIL import Image

from backend.errors import MediaError, StudioError, StudioForbidden, StudioMissing
from backend.studio import connection, events, labeling_config, tags
from backend.studio.client import Studio
from backend.studio.media import MediaCache
from backend.types import Instance

pytestmark = pytest.mark.label_studio

CONFIG = labeling_config.EXAMPLE
VERSION = "micro-models"


class Server(Protocol):
    """What the `label_studio` fixture gives."""

    url: str
    token: str
    email: str
    password: str


@pytest.fixture
def client(label_studio: Server) -> Iterator[Studio]:
    studio = Studio(label_studio.url, label_studio.token)
    yield studio
    studio.close()


@pytest.fixture
def project(client: Studio) -> int:
    return int(client.create_project("studio client", CONFIG)["id"])


def predictions(tasks: list[int], box: tuple[float, float, float, float] = (10, 10, 50, 50)) -> list[dict[str, Any]]:
    control = labeling_config.parse(CONFIG).controls[0]
    result = tags.for_control(control).write([Instance("Bunny", box, 0.5)], control, (100, 100))
    return [{"task": task, "result": result, "score": 0.5, "model_version": VERSION} for task in tasks]


def test_predictions_are_found_imported_and_renewed_in_place(client: Studio, project: int) -> None:
    tasks = client.create_tasks(project, [{"image": f"http://x.example/{n}.png", "frame": n} for n in range(250)])
    gone = max(tasks) + 1000
    refused = client.import_predictions(project, predictions([*tasks[:205], gone]))
    assert [item["task"] for item in refused] == [gone]
    found = client.predictions_of(project, [*tasks, gone], VERSION)
    assert sorted(found) == tasks[:205]
    assert client.predictions_of(project, tasks, "another") == {}
    ids = [found[task][0] for task in tasks[:3]]
    renewed = predictions(tasks[:3], (0, 0, 20, 20))
    assert client.update_predictions({**dict(zip(ids, renewed, strict=True)), 999_999: renewed[0]}) == [999_999]
    assert client.predictions_of(project, tasks, VERSION) == found
    stored = client.http.json("GET", f"api/predictions/{ids[0]}/")
    assert stored["result"][0]["value"]["width"] == 20


def test_tasks_carry_whole_annotations(client: Studio, project: int) -> None:
    tasks = client.create_tasks(project, [{"image": f"http://x.example/{n}.png"} for n in range(7)])
    result = predictions(tasks[:1])[0]["result"]
    client.annotate(tasks[0], result)
    client.annotate(tasks[1], [], was_cancelled=True)
    read = list(client.tasks(project, page_size=3))
    assert [task["id"] for task in read] == tasks
    labels = [label for task in read for label in events.annotations_of(task)]
    assert [(label.task, label.skipped) for label in labels] == [(tasks[0], False), (tasks[1], True)]
    assert labels[0].result[0]["value"] == result[0]["value"]
    assert labels[0].updated_at > 1_700_000_000


def test_personal_access_token(label_studio: Server, client: Studio, project: int, tmp_path: Path) -> None:
    try:
        key = client.http.json("POST", "api/token/")["token"]
    except StudioError as error:
        pytest.skip(f"a token exists already and cannot be read again: {error}")
    studio = Studio(label_studio.url, key)
    try:
        assert studio.http.auth.kind == "personal"
        assert studio.whoami()["email"] == label_studio.email
        assert studio.project(project)["id"] == project
        (url,) = studio.upload(project, [png(tmp_path / "a.png")])
        media = MediaCache(studio, tmp_path / "cache", 10)
        assert media.image(url, 1)[1] == (8, 6)
        media.close()
    finally:
        client.http.json("POST", "api/token/blacklist/", json={"refresh": key})
    studio.close()
    with closing(Studio(label_studio.url, key)) as revoked, pytest.raises(StudioForbidden, match="did not exchange"):
        revoked.whoami()


def test_refusals(label_studio: Server, client: Studio) -> None:
    for key in ("", "wrong"):
        studio = Studio(label_studio.url, key)
        with pytest.raises(StudioForbidden, match="Copy it again"):
            studio.whoami()
        studio.close()
    with pytest.raises(StudioMissing):
        client.project(999_999)
    with pytest.raises(StudioMissing):
        client.update_prediction(999_999, {"score": 1})


def png(path: Path) -> Path:
    buffer = io.BytesIO()
    Image.new("RGB", (8, 6), "red").save(buffer, "PNG")
    path.write_bytes(buffer.getvalue())
    return path


def test_media(client: Studio, project: int, tmp_path: Path) -> None:
    (url,) = client.upload(project, [png(tmp_path / "a b.png")])
    (task,) = client.create_tasks(project, [{"image": url}])
    media = MediaCache(client, tmp_path / "cache", 10)
    array, size = media.image(url, task)
    assert (array.shape, size) == ((6, 8, 3), (8, 6))
    for missing in ("/data/upload/1/none.png", "/data/local-files/?d=none.png", "s3://no-such-bucket/x.png"):
        with pytest.raises(MediaError):
            media.path(missing, task)
    media.close()


class Backend(BaseHTTPRequestHandler):
    """The least that Label Studio accepts as an ML backend; keeps the webhooks it gets."""

    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        self.reply({"status": "UP"})

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        if self.path == "/webhook":
            self.server.hooks.append((self.headers.get(connection.SECRET_HEADER), body))  # type: ignore[attr-defined]
        self.reply({"model_version": VERSION})

    def reply(self, body: dict[str, Any]) -> None:
        content = json.dumps(body).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, format: str, *args: Any) -> None:
        pass


@pytest.fixture
def stub() -> Iterator[ThreadingHTTPServer]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Backend)
    server.daemon_threads = True
    server.hooks = []  # type: ignore[attr-defined]
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


def connect(client: Studio, project: int, url: str, secret: str, **wanted: Any) -> connection.Registered:
    """As `loop.connect` does it."""
    made = connection.register(client, project, url, **wanted)
    connection.finish(client, project, made, secret)
    return made


def test_connecting_twice_makes_one_of_everything(client: Studio, project: int, stub: ThreadingHTTPServer) -> None:
    url = f"http://127.0.0.1:{stub.server_address[1]}"
    broken = {check.name for check in connection.checks(client, project, url, "hush") if not check.ok}
    assert broken == {"backend", "webhook"}
    first = connect(client, project, url, "hush", group_by="video")
    assert first.created
    assert [check for check in connection.checks(client, project, url, "hush") if not check.ok] == []
    again = connect(client, project, url + "/", "hush", group_by="video")
    assert (again.id, again.created) == (first.id, False)
    assert len(client.backends(project)) == len(client.webhooks(project)) == 1
    assert client.project(project)["model_version"] == first.title
    renamed = connect(client, project, url, "new secret", title="hare finder")
    assert client.project(project)["model_version"] == renamed.title == "hare finder"
    assert [check.name for check in connection.checks(client, project, url, "hush") if not check.ok] == ["webhook"]
    assert len(connection.remove(client, project, first.id, first.url)) == 2
    assert client.backends(project) == client.webhooks(project) == []
    assert connection.remove(client, project, first.id, first.url) == []


def test_webhooks_carry_the_secret_and_are_understood(client: Studio, project: int, stub: ThreadingHTTPServer) -> None:
    connect(client, project, f"http://127.0.0.1:{stub.server_address[1]}", "hush")
    hooks = stub.hooks  # type: ignore[attr-defined]
    hooks.clear()
    (task,) = client.create_tasks(project, [{"image": "http://x.example/1.png", "video": "v"}])
    label = client.annotate(task, predictions([task])[0]["result"])
    client.http.json("DELETE", f"api/annotations/{label['id']}/")
    assert {secret for secret, _ in hooks} == {"hush"}
    found = [events.parse(body) for _, body in hooks]
    assert [type(event) for event in found] == [events.TasksCreated, events.LabelsChanged, events.LabelsDeleted]
    assert found[1].labels[0].task == task  # type: ignore[union-attr]
    assert found[2].ids == (label["id"],)  # type: ignore[union-attr]


def test_connection_refused_names_the_container(client: Studio, project: int) -> None:
    with pytest.raises(StudioError, match=r"host\.docker\.internal"):
        connect(client, project, "http://127.0.0.1:9", "hush")
