import base64
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

import httpx
import pytest

from backend.errors import MediaError, StudioForbidden, StudioUnreachable
from backend.studio.media import MediaCache
from tests.studio.server import LEGACY, URL, Server

PNG = b"\x89PNG of a sort"
UPLOAD = "/data/upload/1/a.png"


class World:
    """Label Studio, the rest of the internet, and a cache between them."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.studio, self.elsewhere = Server(), Server()

    def cache(
        self, limit_mb: int = 1, url: str = URL, root: Path | None = None, hosts: tuple[str, ...] = ()
    ) -> MediaCache:
        transport = httpx.MockTransport(self.elsewhere)
        studio = self.studio.studio(url)
        return MediaCache(studio, self.folder, limit_mb, hosts, root, transport=transport)

    def serve(self, path: str, content: bytes = PNG, server: Server | None = None) -> None:
        (server or self.studio).answer("GET", path, lambda _: httpx.Response(200, content=content))


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path / "cache")


def test_upload_is_fetched_once_with_the_key(world: World) -> None:
    world.serve(UPLOAD)
    cache = world.cache()
    assert cache.path(UPLOAD, 1).read_bytes() == PNG
    assert cache.bytes(UPLOAD, 1) == PNG
    assert [request.headers["Authorization"] for request in world.studio.requests] == [f"Token {LEGACY}"]


@pytest.mark.parametrize("url", [UPLOAD, "/prefix" + UPLOAD, URL + "/prefix" + UPLOAD])
def test_path_prefix(world: World, url: str) -> None:
    world.serve("/prefix" + UPLOAD)
    assert world.cache(url=URL + "/prefix").bytes(url, 1) == PNG


@pytest.mark.parametrize("uri", ["s3://bucket/a b?c#ü.png", "gs://bucket/x.jpg", "azure-blob://c/x.png"])
def test_cloud_uri_goes_through_the_resolve_endpoint(world: World, uri: str) -> None:
    world.serve("/tasks/21/resolve/")
    assert world.cache().bytes(uri, 21) == PNG
    encoded = world.studio.requests[0].url.params["fileuri"]
    assert base64.urlsafe_b64decode(encoded).decode() == uri


def test_presigned_redirect_is_followed_without_the_key(world: World) -> None:
    world.studio.on("GET", "/tasks/21/resolve/", 303, headers={"Location": "https://s3.example/x.png?signature=1"})
    world.serve("/x.png", server=world.elsewhere)
    assert world.cache().bytes("s3://bucket/x.png", 21) == PNG
    assert "Authorization" not in world.elsewhere.requests[0].headers
    assert LEGACY not in str(world.elsewhere.requests[0].headers)


def test_storage_may_not_send_us_further(world: World) -> None:
    world.studio.on("GET", "/tasks/21/resolve/", 303, headers={"Location": "https://s3.example/x.png"})
    world.elsewhere.on("GET", "/x.png", 302, headers={"Location": "http://169.254.169.254/latest"})
    with pytest.raises(MediaError, match="neither Label Studio's nor allowed"):
        world.cache().path("s3://bucket/x.png", 21)
    assert len(world.elsewhere.requests) == 1


def test_plain_url_of_an_allowed_host_only(world: World) -> None:
    world.serve("/x.png", server=world.elsewhere)
    with pytest.raises(MediaError, match=r'MICRO_MODELS_MEDIA_HOSTS=\["cdn.example"\]'):
        world.cache().path("https://cdn.example/x.png", 1)
    assert world.elsewhere.requests == []
    for host in ("cdn.example", "CDN.example"):
        assert world.cache(hosts=(host,)).bytes("https://cdn.example/x.png", 1) == PNG
    assert "Authorization" not in world.elsewhere.requests[0].headers


def test_allowed_port(world: World) -> None:
    world.serve("/x.png", server=world.elsewhere)
    assert world.cache(hosts=("cdn.example:8000",)).bytes("http://cdn.example:8000/x.png", 1) == PNG
    with pytest.raises(MediaError, match="nor allowed"):
        world.cache(hosts=("cdn.example:8000",)).path("http://cdn.example:9000/x.png", 1)


@pytest.mark.parametrize(
    "target", [URL + "/api/projects/1/", URL + UPLOAD, "http://other.example/x.png", "file:///etc/passwd"]
)
def test_redirect_of_an_allowed_host_is_checked_like_any_url(world: World, target: str) -> None:
    world.elsewhere.on("GET", "/x.png", 302, headers={"Location": target})
    with pytest.raises(MediaError, match="nor allowed"):
        world.cache(hosts=("cdn.example",)).path("https://cdn.example/x.png", 1)
    assert world.studio.requests == []


def test_endless_redirects(world: World) -> None:
    world.elsewhere.on("GET", "/x.png", 302, headers={"Location": "/x.png"})
    with pytest.raises(MediaError, match="redirects"):
        world.cache(hosts=("cdn.example",)).path("https://cdn.example/x.png", 1)


@pytest.mark.parametrize(
    "url",
    [
        "/api/projects/1/",
        "/data/../api/projects/1/",
        "/data/%2e%2e/api/projects/1/",
        URL + "/api/current-user/whoami",
        "image.png",
        "//evil.example/x.png",
        "file:///etc/passwd",
        "ftp://cdn.example/x.png",
        "data:image/png;base64,AAAA",
        "http://[",
        "",
        " ",
    ],
)
def test_what_is_no_media_is_never_asked_for(world: World, url: str) -> None:
    with pytest.raises(MediaError):
        world.cache(hosts=("cdn.example",)).path(url, 1)
    assert world.studio.requests == world.elsewhere.requests == []


@pytest.mark.parametrize("value", [None, 5, ["/data/upload/1/a.png"], {}])
def test_field_without_a_url(world: World, value: object) -> None:
    with pytest.raises(MediaError, match="Task 4 has"):
        world.cache().path(value, 4)  # type: ignore[arg-type]


@pytest.mark.parametrize("status", [400, 403, 404, 410, 500])
def test_missing_media_costs_its_task(world: World, status: int) -> None:
    world.studio.on("GET", UPLOAD, status, {"detail": "'NoneType' object has no attribute 'has_permission'"})
    with pytest.raises(MediaError, match=f"HTTP {status}"):
        world.cache().path(UPLOAD, 1)


def test_refused_key_and_busy_server_are_not_the_tasks_fault(world: World) -> None:
    world.studio.on("GET", UPLOAD, 401, {"detail": "Invalid token."})
    with pytest.raises(StudioForbidden):
        world.cache().path(UPLOAD, 1)
    world.studio.on("GET", UPLOAD, 503)
    with pytest.raises(StudioUnreachable):
        world.cache().path(UPLOAD, 1)


def test_unreachable_label_studio_and_unreachable_host(world: World) -> None:
    def refuse(request: httpx.Request) -> httpx.Response:
        raise httpx.ConnectError("refused")

    world.studio.answer("GET", UPLOAD, refuse)
    with pytest.raises(StudioUnreachable):
        world.cache().path(UPLOAD, 1)


@pytest.mark.parametrize("kind", ["text/html; charset=utf-8", "application/json"])
def test_page_instead_of_an_image(world: World, kind: str) -> None:
    world.studio.answer("GET", UPLOAD, lambda _: httpx.Response(200, content=b"x", headers={"Content-Type": kind}))
    with pytest.raises(MediaError, match="page instead of a file"):
        world.cache().path(UPLOAD, 1)


def test_empty_answer_is_not_kept(world: World) -> None:
    world.serve(UPLOAD, b"")
    with pytest.raises(MediaError, match="empty answer"):
        world.cache().path(UPLOAD, 1)
    world.serve(UPLOAD)
    assert world.cache().bytes(UPLOAD, 1) == PNG


def test_file_larger_than_the_cache(world: World) -> None:
    world.serve(UPLOAD, b"x" * 1_000_001)
    with pytest.raises(MediaError, match="MICRO_MODELS_MEDIA_CACHE_MB"):
        world.cache(limit_mb=1).path(UPLOAD, 1)
    assert [path for path in world.folder.glob("*/*") if path.is_file()] == []


class Cut(httpx.SyncByteStream):
    def __init__(self, content: bytes) -> None:
        self.content = content

    def __iter__(self) -> Iterator[bytes]:
        yield self.content
        raise httpx.RemoteProtocolError("cut")


def test_cut_answer_is_continued(world: World) -> None:
    content = bytes(range(256)) * 10

    def answer(request: httpx.Request) -> httpx.Response:
        start = int(request.headers.get("Range", "bytes=0-")[6:-1])
        status = 206 if start else 200
        if start < 2000:
            return httpx.Response(status, stream=Cut(content[start : start + 1000]))
        return httpx.Response(status, content=content[start:])

    world.studio.answer("GET", UPLOAD, answer)
    assert world.cache().bytes(UPLOAD, 1) == content
    assert len(world.studio.requests) == 3


def test_cut_answer_of_a_server_without_ranges_starts_over(world: World) -> None:
    def answer(request: httpx.Request) -> httpx.Response:
        cut = len(world.studio.requests) == 1
        return httpx.Response(200, stream=Cut(b"half")) if cut else httpx.Response(200, content=PNG)

    world.studio.answer("GET", UPLOAD, answer)
    assert world.cache().bytes(UPLOAD, 1) == PNG


# -- local files


@pytest.fixture
def root(tmp_path: Path) -> Path:
    folder = tmp_path / "root"
    (folder / "sub").mkdir(parents=True)
    (folder / "sub" / "a b.png").write_bytes(PNG)
    (tmp_path / "secret.png").write_bytes(b"secret")
    (folder / "link.png").symlink_to(tmp_path / "secret.png")
    return folder


@pytest.mark.parametrize("url", ["/data/local-files/?d=sub/a%20b.png", URL + "/data/local-files?d=/sub/a b.png"])
def test_local_file_is_read_where_it_is(world: World, root: Path, url: str) -> None:
    assert world.cache(root=root).path(url, 1) == root / "sub" / "a b.png"
    assert world.studio.requests == []


@pytest.mark.parametrize("relative", ["../secret.png", "sub/../../secret.png", "link.png", "..", "/../secret.png"])
def test_document_root_is_never_left(world: World, root: Path, relative: str) -> None:
    world.serve("/data/local-files/", b"from the server")
    for value in (relative, quote(relative, safe="")):
        with pytest.raises(MediaError, match="leads out of the document root"):
            world.cache(root=root).path(f"/data/local-files/?d={value}", 1)


@pytest.mark.parametrize("relative", ["sub", "", "none.png"])
def test_what_is_not_there_is_asked_of_label_studio(world: World, root: Path, relative: str) -> None:
    world.serve("/data/local-files/")
    assert world.cache(root=root).bytes(f"/data/local-files/?d={relative}", 1) == PNG


def test_null_byte_in_a_local_path(world: World, root: Path) -> None:
    with pytest.raises(MediaError):
        world.cache(root=root).path("/data/local-files/?d=a%00b", 1)


def test_without_label_studio(tmp_path: Path) -> None:
    cache = MediaCache(None, tmp_path / "c", 1)
    with pytest.raises(MediaError, match="Set LABEL_STUDIO_URL"):
        cache.path(UPLOAD, 1)
    cache.close()


def test_image_survives_an_eviction_between_two_steps(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    import io

    from PIL import Image

    buffer = io.BytesIO()
    Image.new("RGB", (4, 3)).save(buffer, "PNG")
    world.serve(UPLOAD, buffer.getvalue())
    cache = world.cache()
    real, removed = cache.path, []

    def path(url: str, task_id: int) -> Path:
        found = real(url, task_id)
        if not removed:
            removed.append(found)
            found.unlink()
        return found

    monkeypatch.setattr(cache, "path", path)
    array, size = cache.image(UPLOAD, 1)
    assert (array.shape, size) == ((3, 4, 3), (4, 3))
    assert len(world.studio.requests) == 2
