from typing import Any

import httpx
import pytest

from backend.errors import StudioError
from backend.studio import connection, labeling_config
from backend.studio.checks import SECRET_HEADER, Check, diagnose
from tests.studio.server import LEGACY, Server, token

URL = "http://localhost:9090"
HOOK = {"id": 5, "url": URL + "/webhook", "headers": {SECRET_HEADER: "s"}, "is_active": True, "project": 1}
HOOK |= {"send_payload": True, "send_for_all_actions": True}
ROW = {"id": 3, "url": URL, "title": "micro-models", "state": "CO", "extra_params": None}


def project(**fields: Any) -> dict[str, Any]:
    plain = {"id": 1, "title": "Bunny", "label_config": labeling_config.EXAMPLE, "model_version": "micro-models"}
    return {**plain, "show_collab_predictions": True, **fields}


class World(Server):
    """A Label Studio in which everything is right, to be broken at one place."""

    def __init__(self) -> None:
        super().__init__()
        self.on("GET", "/api/current-user/whoami", body={"email": "owner@example.com"})
        self.on("GET", "/api/projects/1/", body=project())
        self.on("GET", "/api/ml/", body=[ROW])
        self.on("GET", "/api/webhooks/", body=[HOOK])
        self.tasks({"image": "/data/upload/1/a.png"})

    def tasks(self, data: dict[str, Any]) -> None:
        self.on("GET", "/api/tasks/", body={"tasks": [{"id": 1, "data": data, "annotations": []}]})

    def checked(self, secret: str | None = "s", key: str = LEGACY) -> dict[str, Check]:
        found = connection.checks(self.studio(key=key), 1, URL + "/", secret)
        assert all(check.fix for check in found if not check.ok)
        return {check.name: check for check in found}

    def broken(self) -> Check:
        """The one check that failed."""
        (found,) = [check for check in self.checked().values() if not check.ok]
        return found


@pytest.fixture
def world() -> World:
    return World()


def test_all_is_well(world: World) -> None:
    found = world.checked()
    assert [check.name for check in found.values() if not check.ok] == []
    assert list(found) == ["API key", "project", "labeling config", "backend", "webhook", "predictions shown"]
    assert found["API key"].message == "legacy token of owner@example.com at http://ls.example"


def test_wrong_key_hides_everything_else(world: World) -> None:
    world.on("GET", "/api/current-user/whoami", 401, {"detail": "Invalid token."})
    assert list(world.checked()) == ["API key"]
    assert "does not know this API key" in world.broken().message
    assert "Copy it again" in world.broken().fix


def test_legacy_tokens_switched_off(world: World) -> None:
    world.on("GET", "/api/current-user/whoami", 401, {"detail": "legacy token authentication has been disabled"})
    assert "switched off" in world.broken().message
    assert "personal access token" in world.broken().fix


def test_personal_access_token_is_told(world: World) -> None:
    world.on("POST", "/api/token/refresh/", body={"access": token("access", 300)})
    assert "exchanged automatically" in world.checked(key=token("refresh", 10_000))["API key"].message


def test_access_token_is_no_key(world: World) -> None:
    found = world.checked(key=token("access", 300))["API key"]
    assert not found.ok
    assert "five minutes" in found.message


def test_project_that_is_not_there(world: World) -> None:
    world.on("GET", "/api/projects/1/", 404, {"detail": "No Project"})
    assert world.broken().name == "project"


def test_labeling_config(world: World) -> None:
    world.on("GET", "/api/projects/1/", body=project(label_config="<View/>"))
    assert world.broken().name == "labeling config"
    assert "<RectangleLabels" in world.broken().fix


def test_backend_not_registered(world: World) -> None:
    world.on("GET", "/api/ml/", body=[{**ROW, "url": "http://other:1"}])
    assert "http://other:1" in world.broken().message
    assert "micro-models connect" in world.broken().fix


@pytest.mark.parametrize(
    ("error", "fix"),
    [
        (
            "URL resolves to a reserved network address (block: 127.0.0.0/8)",
            "LABEL_STUDIO_SSRF_PROTECTION_ENABLED=false",
        ),
        ("Failed to establish a new connection: [Errno 111] Connection refused", "host.docker.internal"),
        ("authentication parameters were either not provided", "MICRO_MODELS_BASIC_AUTH_USER"),
    ],
)
def test_backend_that_label_studio_cannot_call(world: World, error: str, fix: str) -> None:
    world.on("GET", "/api/ml/", body=[{**ROW, "state": "DI", "error_message": error}])
    assert error in world.broken().message
    assert fix in world.broken().fix


def test_diagnosis_of_other_hosts() -> None:
    assert "resolve" in diagnose("http://backend:9090", "Name or service not known")
    assert "firewall" in diagnose("http://backend:9090", "Connection refused")
    assert 'HOSTS=["mm.example"]' in diagnose("https://mm.example", "421 Client Error: Misdirected Request for url")


def test_backend_behind_another(world: World) -> None:
    world.on("GET", "/api/ml/", body=[{**ROW, "id": 1, "url": "http://first"}, ROW])
    assert "first backend only" in world.broken().fix


@pytest.mark.parametrize(
    ("hooks", "message"),
    [
        ([], "never hear of a label"),
        ([{**HOOK, "is_active": False}], "never hear of a label"),
        ([{**HOOK, "headers": {}}], "secret"),
        ([{**HOOK, "headers": None}], "secret"),
        ([{**HOOK, "headers": {SECRET_HEADER: "other"}}], "secret"),
        ([{**HOOK, "send_payload": False}], "payload"),
        ([{**HOOK, "send_for_all_actions": False}], "every event"),
        ([HOOK, {**HOOK, "id": 6}], "2 times"),
    ],
)
def test_webhook(world: World, hooks: list[dict[str, Any]], message: str) -> None:
    world.on("GET", "/api/webhooks/", body=hooks)
    assert world.broken().name == "webhook"
    assert message in world.broken().message


def test_secret_is_not_told(world: World) -> None:
    world.on("GET", "/api/webhooks/", body=[{**HOOK, "headers": {SECRET_HEADER: "hush-1"}}])
    told = [check.message + check.fix for check in world.checked(secret="hush-2").values()]
    assert not any("hush" in text for text in told)


@pytest.mark.parametrize("version", ["", None, "v1"])
def test_predictions_of_another_version_are_shown(world: World, version: str | None) -> None:
    world.on("GET", "/api/projects/1/", body=project(model_version=version))
    assert "no uncertainty sampling" in world.broken().message


def test_predictions_hidden(world: World) -> None:
    world.on("GET", "/api/projects/1/", body=project(show_collab_predictions=False))
    assert "hides predictions" in world.broken().message


def test_local_files(world: World) -> None:
    world.tasks({"image": "/data/local-files/?d=clip/1.png", "frame": 1})
    world.on("GET", "/api/storages/localfiles/", body=[])
    assert world.broken().name == "local files"
    assert "Add Source Storage" in world.broken().fix
    world.on("GET", "/api/storages/localfiles/", body=[{"id": 1, "path": "/data/clip"}])
    assert world.checked()["local files"].ok


def lists_backends(world: World, *lists: list[dict[str, Any]]) -> None:
    """The backends that Label Studio lists, one list after the other; the last one stays."""
    left = list(lists)
    world.answer("GET", "/api/ml/", lambda _: httpx.Response(200, json=left.pop(0) if len(left) > 1 else left[0]))


# -- connect


def connect(world: World, url: str = URL, secret: str = "s", **wanted: Any) -> connection.Registered:
    """As `loop.connect` does it."""
    studio = world.studio()
    made = connection.register(studio, 1, url, **wanted)
    connection.finish(studio, 1, made, secret)
    return made


def test_first_connection(world: World) -> None:
    world.on("GET", "/api/ml/", body=[])
    world.on("GET", "/api/projects/1/", body=project(model_version=""))
    world.on("POST", "/api/ml", 201, ROW)
    world.on("PATCH", "/api/webhooks/5/", body=HOOK)
    world.on("PATCH", "/api/projects/1/", body=project())
    done = connect(world, URL + "/", group_by="video", basic_auth=("u", "p"))
    assert done == connection.Registered(3, URL, "micro-models", created=True)
    sent = world.sent("POST", "/api/ml")[0]
    assert sent == {
        "project": 1,
        "url": URL,
        "title": "micro-models",
        "extra_params": {"group_by": "video"},
        "auth_method": "BASIC_AUTH",
        "basic_auth_user": "u",
        "basic_auth_pass": "p",
    }
    assert world.sent("PATCH", "/api/webhooks/5/")[0]["headers"] == {SECRET_HEADER: "s"}
    assert world.sent("PATCH", "/api/projects/1/") == [{"model_version": "micro-models"}]


def test_second_connection_changes_nothing_and_keeps_the_title(world: World) -> None:
    world.on("GET", "/api/ml/", body=[{**ROW, "title": "renamed"}])
    world.on("GET", "/api/projects/1/", body=project(model_version="renamed"))
    world.on("PATCH", "/api/webhooks/5/", body=HOOK)
    assert connect(world) == connection.Registered(3, URL, "renamed", created=False)
    assert {r.method for r in world.requests if "webhooks" not in r.url.path} == {"GET"}
    assert not any(r.method == "POST" for r in world.requests)


def test_changed_grouping_keeps_other_parameters(world: World) -> None:
    world.on("GET", "/api/ml/", body=[{**ROW, "extra_params": {"mine": 1, "group_by": "scene"}}])
    world.on("PATCH", "/api/ml/3", body=ROW)
    world.on("PATCH", "/api/webhooks/5/", body=HOOK)
    connect(world, group_by="video")
    assert world.sent("PATCH", "/api/ml/3")[0]["extra_params"] == {"mine": 1, "group_by": "video"}


@pytest.mark.parametrize(
    ("status", "detail", "fix"),
    [
        (403, "URL resolves to a reserved network address (block: 127.0.0.0/8)", "ML_BLOCK_LOCAL_IP=false"),
        (400, "health check failed. Connection refused", "host.docker.internal"),
        (400, "authentication parameters were either not provided or are incorrect", "BASIC_AUTH_PASSWORD"),
    ],
)
def test_refused_backend(world: World, status: int, detail: str, fix: str) -> None:
    world.on("GET", "/api/ml/", body=[])
    world.on("POST", "/api/ml", status, {"detail": detail})
    with pytest.raises(StudioError, match=fix):
        connect(world)
    assert not world.sent("POST", "/api/webhooks/")


@pytest.mark.parametrize(
    "body", [{}, {"id": 2, "label_config": "<View/>"}, {"id": 1}, {"id": 1, "label_config": None}, {"login": "please"}]
)
def test_only_label_studios_own_word_confirms_a_project(world: World, body: Any) -> None:
    world.on("GET", "/api/projects/1/", body=body)
    with pytest.raises(StudioError, match="LABEL_STUDIO_URL is Label Studio's address"):
        connection.confirmed(world.studio(), 1)


def test_a_confirmed_project(world: World) -> None:
    assert connection.confirmed(world.studio(), 1)["label_config"] == labeling_config.EXAMPLE


@pytest.mark.parametrize("body", [{}, {"detail": "x"}, [1], [{"id": 3}], "text", None])
def test_what_is_no_list_of_backends_does_not_pass_for_an_empty_one(world: World, body: Any) -> None:
    world.on("GET", "/api/ml/", body=body)
    with pytest.raises(StudioError, match="expected a list"):
        world.studio().backends(1)


def test_removing_takes_what_is_ours_and_nothing_else(world: World) -> None:
    other_row, other_hook = {**ROW, "id": 9, "url": "http://other"}, {**HOOK, "id": 8, "url": "http://other/webhook"}
    lists_backends(world, [other_row, ROW], [other_row])
    world.on("GET", "/api/webhooks/", body=[other_hook, HOOK, {**HOOK, "id": 6}])
    for path in ("/api/ml/3", "/api/webhooks/5/", "/api/webhooks/6/"):
        world.on("DELETE", path, 204)
    assert len(connection.remove(world.studio(), 1, 3, None)) == 3, "the address is in the row that is removed"
    gone = [request.url.path for request in world.requests if request.method == "DELETE"]
    assert gone == ["/api/ml/3", "/api/webhooks/5/", "/api/webhooks/6/"]


@pytest.mark.parametrize(("lists", "removals"), [([[ROW], [ROW], []], 2), ([[ROW]], connection.REMOVALS)])
def test_a_row_that_label_studio_saves_again_is_removed_again(
    world: World, lists: list[list[dict[str, Any]]], removals: int
) -> None:
    lists_backends(world, *lists)
    world.on("DELETE", "/api/ml/3", 204)
    world.on("DELETE", "/api/webhooks/5/", 204)
    assert connection.remove(world.studio(), 1, 3, URL) == ["model 'micro-models'", f"webhook {URL}/webhook"]
    assert len(world.sent("DELETE", "/api/ml/3")) == removals


def test_removing_what_is_gone_already_takes_the_webhook_that_label_studio_leaves(world: World) -> None:
    world.on("GET", "/api/ml/", body=[])
    world.on("DELETE", "/api/webhooks/5/", 204)
    assert connection.remove(world.studio(), 1, 3, URL + "/") == [f"webhook {URL}/webhook"]


@pytest.mark.parametrize("url", ["", "localhost:9090", "ftp://x"])
def test_impossible_backend_address(world: World, url: str) -> None:
    with pytest.raises(StudioError, match="is not the address of this backend"):
        connect(world, url)
    assert world.requests == []


@pytest.mark.parametrize("url", ["http://backend:9090", "https://models"])
def test_a_name_without_a_dot_gets_no_webhook_and_so_is_refused_before_anything_is_made(world: World, url: str) -> None:
    with pytest.raises(StudioError, match="takes no webhook to"):
        connect(world, url)
    assert world.requests == []


@pytest.mark.parametrize(
    "url", ["http://localhost:9090", "http://backend.internal:9090", "http://10.0.0.7", "http://[::1]:90"]
)
def test_addresses_that_label_studio_takes_a_webhook_to(url: str) -> None:
    assert connection.address(url + "/") == url


def test_the_order_of_tasks_and_which_button_uses_it(world: World) -> None:
    world.on("GET", "/api/projects/1/", body=project(sampling="Sequential sampling"))
    told = world.checked()["order of tasks"]
    assert told.ok
    assert f"--backend-url {URL} --uncertainty`" in told.fix
    world.on("GET", "/api/projects/1/", body=project(sampling="Uncertainty sampling"))
    told = world.checked()["order of tasks"]
    assert (told.ok, told.fix) == (True, "")
    assert '"Label All Tasks"' in told.message
    assert "filtered tab" in told.message


def test_other_backends_that_nobody_asks_are_named(world: World) -> None:
    world.on("GET", "/api/ml/", body=[ROW, {**ROW, "id": 4, "url": "http://sam:9090"}])
    told = world.checked()["backend"]
    assert told.ok
    assert "does not ask http://sam:9090" in told.message


SMART = labeling_config.EXAMPLE.replace('toName="image"', 'toName="image" smart="true"')


def test_smart_tools_that_ask_nobody(world: World) -> None:
    world.on("GET", "/api/projects/1/", body=project(label_config=SMART))
    assert world.broken().name == "smart tools"
    world.on("GET", "/api/ml/", body=[{**ROW, "is_interactive": True}])
    assert world.checked()["smart tools"].ok


def test_connecting_has_smart_tools_ask_this_backend(world: World) -> None:
    world.on("GET", "/api/ml/", body=[])
    world.on("POST", "/api/ml", 201, {**ROW, "is_interactive": True})
    connection.register(world.studio(), 1, URL, interactive=True)
    assert world.sent("POST", "/api/ml")[0]["is_interactive"] is True
    world.on("GET", "/api/ml/", body=[{**ROW, "is_interactive": False}])
    world.on("PATCH", "/api/ml/3", body={**ROW, "is_interactive": True})
    connection.register(world.studio(), 1, URL, interactive=True)
    assert world.sent("PATCH", "/api/ml/3")[0]["is_interactive"] is True


def test_connecting_leaves_alone_what_a_person_switched_on(world: World) -> None:
    world.on("GET", "/api/ml/", body=[{**ROW, "is_interactive": True}])
    connection.register(world.studio(), 1, URL)
    assert {request.method for request in world.requests} == {"GET"}
