import threading
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest

from backend.errors import StudioForbidden
from backend.studio.auth import StudioAuth, key_kind, same_origin
from tests.studio.server import LEGACY, URL, Server, token

NOW = 1_800_000_000.0


def personal(server: Server, lifetime: float = 300, prefix: str = "") -> list[str]:
    """Serve token exchanges; the list of access tokens given out."""
    given: list[str] = []
    lock = threading.Lock()

    def exchange(request: httpx.Request) -> httpx.Response:
        with lock:
            given.append(token("access", lifetime + len(given), NOW))
        return httpx.Response(200, json={"access": given[-1]})

    server.answer("POST", f"{prefix}/api/token/refresh/", exchange)
    server.on("GET", f"{prefix}/api/current-user/whoami", body={"email": "a@b"})
    return given


@pytest.mark.parametrize(
    ("key", "kind"),
    [
        (LEGACY, "legacy"),
        ("", "legacy"),
        ("a.b.c", "legacy"),
        (token("refresh", 9), "personal"),
        (token("access", 9), "access"),
    ],
)
def test_kind_of_key(key: str, kind: str) -> None:
    assert key_kind(key) == kind


def test_legacy_token_is_sent_as_token() -> None:
    server = Server()
    server.on("GET", "/api/current-user/whoami", body={})
    server.studio(key=f" {LEGACY}\n").whoami()
    assert server.requests[0].headers["Authorization"] == f"Token {LEGACY}"


@pytest.mark.parametrize("prefix", ["", "/label-studio"])
def test_personal_access_token_is_exchanged_once(prefix: str) -> None:
    server = Server()
    given = personal(server, prefix=prefix)
    key = token("refresh", 10_000, NOW)
    studio = server.studio(url=URL + prefix, key=key, clock=lambda: NOW)
    studio.whoami()
    studio.whoami()
    assert server.sent("POST", f"{prefix}/api/token/refresh/") == [{"refresh": key}]
    assert [r.headers.get("Authorization") for r in server.requests] == [
        None,
        f"Bearer {given[0]}",
        f"Bearer {given[0]}",
    ]


def test_access_token_is_renewed_before_it_runs_out() -> None:
    server, now = Server(), [NOW]
    given = personal(server)
    studio = server.studio(key=token("refresh", 10_000, NOW), clock=lambda: now[0])
    studio.whoami()
    now[0] += 239
    studio.whoami()
    assert len(given) == 1
    now[0] += 2
    studio.whoami()
    assert len(given) == 2


def test_refused_access_token_is_renewed_once() -> None:
    server = Server()
    given = personal(server)
    refused: list[str] = []

    def whoami(request: httpx.Request) -> httpx.Response:
        if request.headers["Authorization"] == f"Bearer {given[0]}":
            refused.append("once")
            return httpx.Response(401, json={"detail": "revoked"})
        return httpx.Response(200, json={})

    server.answer("GET", "/api/current-user/whoami", whoami)
    server.studio(key=token("refresh", 10_000, NOW), clock=lambda: NOW).whoami()
    assert (len(given), refused) == (2, ["once"])


def test_threads_share_one_exchange() -> None:
    server = Server()
    given = personal(server)
    studio = server.studio(key=token("refresh", 10_000, NOW), clock=lambda: NOW)
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda _: studio.whoami(), range(32)))
    assert len(given) == 1


@pytest.mark.parametrize(("status", "body"), [(401, {"detail": "blacklisted"}), (200, {}), (200, [1])])
def test_refused_exchange_says_what_to_do(status: int, body: object) -> None:
    server = Server()
    server.on("POST", "/api/token/refresh/", status, body)
    with pytest.raises(StudioForbidden, match=r"did not exchange the personal access token.*Make a new token"):
        server.studio(key=token("refresh", 10_000)).whoami()


def test_expired_personal_access_token() -> None:
    server = Server()
    with pytest.raises(StudioForbidden, match="ran out on 2027-01-15"):
        server.studio(key=token("refresh", -5, NOW), clock=lambda: NOW).whoami()
    assert server.requests == []


@pytest.mark.parametrize(
    "other",
    [
        "http://evil.example/",
        "https://ls.example/",
        "http://ls.example:81/",
        "http://ls.example.evil.example/",
        "http://x@evil/",
    ],
)
def test_key_goes_to_no_other_origin(other: str) -> None:
    seen: list[httpx.Request] = []

    def answer(request: httpx.Request) -> httpx.Response:
        seen.append(request)
        return httpx.Response(200)

    for key in (LEGACY, token("access", 9)):
        seen.clear()
        auth = StudioAuth(httpx.URL(URL), key)
        with httpx.Client(auth=auth, transport=httpx.MockTransport(answer)) as client:
            client.get(URL + "/a")
            client.get(other)
        assert key in seen[0].headers["Authorization"]
        assert not any(key in request.headers.get("Authorization", "") for request in seen[1:])


def test_default_ports_are_the_same_origin() -> None:
    assert same_origin(httpx.URL("https://a/x"), httpx.URL("https://A:443/y"))
    assert not same_origin(httpx.URL("https://a/x"), httpx.URL("http://a:443/y"))
