import base64
import io
import re
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

import httpx
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from backend.cancel import CancelToken
from backend.errors import MediaError, StudioForbidden, StudioUnreachable, TrainingInterrupted
from backend.studio import download, media
from backend.studio.client import Studio
from backend.studio.media import MediaCache
from backend.studio.slow_hosts import IN_A_ROW
from tests.studio.clips import number_of, numbered, write_video
from tests.studio.server import LEGACY, URL, Server
from tests.studio.test_patience import dripping

PNG = b"\x89PNG of a sort"
UPLOAD = "/data/upload/1/a.png"


class World:
    """Label Studio, the rest of the internet, and a cache between them."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.studio, self.elsewhere = Server(), Server()

    def cache(
        self,
        limit_mb: int = 1,
        url: str = URL,
        root: Path | None = None,
        hosts: tuple[str, ...] = (),
        recheck: float = 3600.0,
    ) -> MediaCache:
        transport = httpx.MockTransport(self.elsewhere)
        studio = self.studio.studio(url)
        return MediaCache(studio, self.folder, limit_mb, hosts, root, recheck_seconds=recheck, transport=transport)

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
    buffer = io.BytesIO()
    Image.new("RGB", (4, 3)).save(buffer, "PNG")
    world.serve(UPLOAD, buffer.getvalue())
    cache = world.cache()
    real, removed = cache.path, []

    def path(url: str, task_id: int, *more: object) -> Path:
        found = real(url, task_id)
        if not removed:
            removed.append(found)
            found.unlink()
        return found

    monkeypatch.setattr(cache, "path", path)
    array, size = cache.image(UPLOAD, 1)
    assert (array.shape, size) == ((3, 4, 3), (4, 3))
    assert len(world.studio.requests) == 2


# -- files that are replaced, and answers that were of no use


def picture(colour: tuple[int, int, int], side: int = 8) -> bytes:
    buffer = io.BytesIO()
    Image.new("RGB", (side, side), colour).save(buffer, "PNG")
    return buffer.getvalue()


RED, BLUE = picture((255, 0, 0)), picture((0, 0, 255))


class Store:
    """One file with what a store tells of it; answers conditional requests."""

    def __init__(self, content: bytes, *headers: str) -> None:
        self.content, self.told, self.version, self.bodies = content, headers, 1, 0

    def put(self, content: bytes) -> None:
        self.content, self.version = content, self.version + 1

    def __call__(self, request: httpx.Request) -> httpx.Response:
        values = {"ETag": f'"{self.version}"', "Last-Modified": f"Mon, 0{self.version} Jan 2026 00:00:00 GMT"}
        headers = {name: values[name] for name in self.told}
        asked = request.headers.get("If-None-Match"), request.headers.get("If-Modified-Since")
        if any(one is not None and one in headers.values() for one in asked):
            return httpx.Response(304, headers=headers)
        self.bodies += 1
        return httpx.Response(200, content=self.content, headers=headers)


@pytest.mark.parametrize("told", [("ETag",), ("Last-Modified",), ("ETag", "Last-Modified"), ()])
def test_a_file_replaced_under_its_address_is_fetched_anew(world: World, told: tuple[str, ...]) -> None:
    store = Store(RED, *told)
    world.studio.answer("GET", UPLOAD, store)
    cache = world.cache(recheck=0)
    assert cache.image(UPLOAD, 1)[0][0, 0].tolist() == [255, 0, 0]
    stamp = cache.stamp(UPLOAD)
    assert cache.image(UPLOAD, 1)[0][0, 0].tolist() == [255, 0, 0]
    assert cache.stamp(UPLOAD) == stamp != ""
    assert store.bodies == (1 if told else 2)
    store.put(picture((0, 0, 255), side=9))  # of another size: the only thing that a store without words tells
    assert cache.image(UPLOAD, 1)[0][0, 0].tolist() == [0, 0, 255]
    assert cache.stamp(UPLOAD) != stamp


def test_a_store_is_asked_now_and_then_only(world: World) -> None:
    now = [1000.0]
    store = Store(RED, "ETag")
    world.studio.answer("GET", UPLOAD, store)
    cache = MediaCache(
        world.studio.studio(), world.folder, 1, recheck_seconds=60, clock=lambda: now[0],
        transport=httpx.MockTransport(world.elsewhere),
    )  # fmt: skip
    for _ in range(3):
        cache.path(UPLOAD, 1)
    assert len(world.studio.requests) == 1
    now[0] += 61
    for _ in range(3):
        cache.path(UPLOAD, 1)
    assert len(world.studio.requests) == 2
    assert store.bodies == 1


def test_a_file_kept_from_before_there_were_notes_is_compared_by_its_size(world: World) -> None:
    store = Store(RED, "ETag")
    world.studio.answer("GET", UPLOAD, store)
    cache = world.cache(recheck=0)
    cache.path(UPLOAD, 1).with_suffix(".note").unlink()
    assert cache.bytes(UPLOAD, 1) == RED
    store.put(picture((0, 0, 255), side=30))
    cache.path(UPLOAD, 1)
    next(world.folder.glob("*/*.note")).unlink()
    store.put(RED)
    assert cache.bytes(UPLOAD, 1) == RED


@pytest.mark.parametrize("status", [401, 403, 404, 500, 503])
def test_a_server_that_does_not_show_a_file_any_more_takes_nothing_away(world: World, status: int) -> None:
    world.serve(UPLOAD, RED)
    cache = world.cache(recheck=0)
    cache.path(UPLOAD, 1)
    world.studio.on("GET", UPLOAD, status)
    assert cache.bytes(UPLOAD, 1) == RED
    asked = len(world.studio.requests)
    assert cache.bytes(UPLOAD, 1) == RED
    if status in (401, 503):  # all files would cost as much
        assert len(world.studio.requests) == asked


def test_a_replaced_file_behind_a_presigned_address(world: World) -> None:
    world.studio.on("GET", "/tasks/21/resolve/", 303, headers={"Location": "https://s3.example/x.png?signature=1"})
    store = Store(RED, "ETag")
    world.elsewhere.answer("GET", "/x.png", store)
    cache = world.cache(recheck=0)
    assert cache.bytes("s3://bucket/x.png", 21) == cache.bytes("s3://bucket/x.png", 21) == RED
    assert store.bodies == 1
    store.put(BLUE)
    assert cache.bytes("s3://bucket/x.png", 21) == BLUE


def test_a_file_of_the_document_root_has_a_stamp_of_its_content(world: World, root: Path) -> None:
    cache, url = world.cache(root=root), "/data/local-files/?d=sub/a%20b.png"
    stamp = cache.stamp(url)
    (root / "sub" / "a b.png").write_bytes(PNG + b"more")
    assert cache.stamp(url) != stamp
    cache.reject(url)
    assert (root / "sub" / "a b.png").read_bytes() == PNG + b"more"


@pytest.mark.parametrize(
    "content", [b"<!doctype html><title>Log in</title>", b'{"detail": "busy"}', b"\x89PNG\r\n\x1a\n", RED[:40]]
)
def test_what_is_no_picture_is_not_kept_whatever_it_calls_itself(world: World, content: bytes) -> None:
    world.studio.answer(
        "GET", UPLOAD, lambda _: httpx.Response(200, content=content, headers={"Content-Type": "image/png"})
    )
    cache = world.cache()
    with pytest.raises(MediaError, match="cannot be decoded"):
        cache.image(UPLOAD, 1)
    assert cache.stamp(UPLOAD) == ""
    world.serve(UPLOAD, RED)
    assert cache.image(UPLOAD, 1)[1] == (8, 8)


def test_a_picture_that_was_cut_on_its_way_is_used_and_not_kept(world: World) -> None:
    noise = Image.fromarray(np.random.default_rng(0).integers(0, 255, (64, 64, 3), np.uint8))
    buffer = io.BytesIO()
    noise.save(buffer, "PNG")
    world.serve(UPLOAD, buffer.getvalue()[:9000])
    cache, remarks = world.cache(), list[str]()
    assert cache.image(UPLOAD, 1, remark=remarks.append)[1] == (64, 64)
    assert len(remarks) == 1
    world.serve(UPLOAD, buffer.getvalue())
    assert (cache.image(UPLOAD, 1, remark=remarks.append)[0] == np.asarray(noise)).all()
    assert len(remarks) == 1


def test_a_picture_too_large_is_kept_as_long_as_it_is_the_answer(world: World) -> None:
    buffer = io.BytesIO()
    Image.new("1", (10_000, 8_001)).save(buffer, "PNG")
    world.serve(UPLOAD, buffer.getvalue())
    for _ in range(2):
        with pytest.raises(MediaError, match="10000 x 8001 pixels"):
            world.cache().image(UPLOAD, 1)
    assert len(world.studio.requests) == 1


def test_an_answer_to_another_range_starts_over(world: World) -> None:
    def answer(request: httpx.Request) -> httpx.Response:
        if len(world.studio.requests) == 1:
            return httpx.Response(200, stream=Cut(b"half"))
        if "Range" in request.headers and len(world.studio.requests) == 2:
            return httpx.Response(206, content=PNG, headers={"Content-Range": f"bytes 0-{len(PNG) - 1}/{len(PNG)}"})
        return httpx.Response(200, content=PNG)

    world.studio.answer("GET", UPLOAD, answer)
    assert world.cache().bytes(UPLOAD, 1) == PNG


# -- who gets the key, and who gets nothing


@pytest.mark.parametrize("target", ["/user/login/?next=/", "/api/users/", "/minio/bucket/a.png?signature=1"])
def test_a_redirect_of_label_studio_to_what_is_no_media_goes_without_the_key(world: World, target: str) -> None:
    world.studio.on("GET", UPLOAD, 302, headers={"Location": target})
    world.elsewhere.answer("GET", target.partition("?")[0], lambda _: httpx.Response(200, content=PNG))
    assert world.cache().bytes(UPLOAD, 1) == PNG
    assert len(world.studio.requests) == 1
    assert "Authorization" not in world.elsewhere.requests[0].headers


@pytest.mark.parametrize(
    "where", ["http://me:secret@cdn.example/x.png", "http://me:secret@ls.example/data/upload/1/a.png"]
)
def test_credentials_of_a_url_go_nowhere(world: World, where: str) -> None:
    cache = world.cache(hosts=("cdn.example",))
    with pytest.raises(MediaError, match="holds a user name or password") as error:
        cache.path(where, 1)
    assert "secret" not in str(error.value)
    world.elsewhere.on("GET", "/y.png", 302, headers={"Location": where})
    with pytest.raises(MediaError):
        cache.path("http://cdn.example/y.png", 1)
    assert [str(request.url) for request in world.elsewhere.requests] == ["http://cdn.example/y.png"]
    assert world.studio.requests == []


# -- data: URIs


@pytest.mark.parametrize(
    "url",
    [
        "data:image/png;base64," + base64.b64encode(RED).decode(),
        "data:image/png;base64," + base64.b64encode(RED).decode().rstrip("="),
        "  data:image/png;base64,\n" + "\n ".join(re.findall(".{1,20}", base64.b64encode(RED).decode())) + "\n",
        "DATA:image/png;charset=x;BASE64," + quote(base64.b64encode(RED).decode()),
        "data:;base64," + base64.b64encode(RED).decode() + "#fragment",
        "data:image/png," + quote(RED),
        "data:," + quote(RED),
    ],
)
def test_a_data_uri_is_its_own_picture(world: World, url: str) -> None:
    cache = world.cache()
    array, size = cache.image(url, 1)
    assert (array[0, 0].tolist(), size) == ([255, 0, 0], (8, 8))
    assert world.studio.requests == world.elsewhere.requests == []
    assert MediaCache(None, world.folder, 1).image(url, 2)[1] == (8, 8)  # needs no Label Studio


@pytest.mark.parametrize(
    "url",
    [
        "data:",
        "data:image/png;base64",
        "data:image/png;base64,",
        "data:image/png;base64,%%%",
        "data:image/png;base64,A",
    ],
)
def test_a_data_uri_that_holds_nothing_costs_its_task(world: World, url: str) -> None:
    with pytest.raises(MediaError, match="a data: URI"):
        world.cache().image(url, 1)


def test_a_data_uri_of_no_picture_and_a_huge_one(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(MediaError, match="cannot be decoded") as error:
        world.cache().image("data:text/html,<script>alert(1)</script>", 1)
    assert "script" not in str(error.value)
    monkeypatch.setattr(media, "MOST_INLINE_BYTES", 10)
    with pytest.raises(MediaError, match=r"Expected (an image of )?at most"):
        world.cache().image("data:image/png;base64," + base64.b64encode(RED).decode(), 1)


@given(st.text(max_size=80))
def test_any_data_uri_is_decoded_or_refused(text: str) -> None:
    file = io.BytesIO()
    try:
        media._write_inline("data:" + text, file)
    except MediaError:
        return
    assert file.getvalue()


# -- files that drip


def test_a_file_that_drips_costs_its_task_and_is_tried_again(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(download, "GRACE_SECONDS", 0.3)
    head = b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n"
    with dripping(head + bytes(1000), 0.02, len(head) + 3) as (url, sent):
        cache = MediaCache(Studio(url, "key"), world.folder, 1)
        for times in (1, 2):
            with pytest.raises(
                MediaError, match=r"bytes in \d+ s\. Expected at least 10 kB a second; it is tried again"
            ):
                cache.path(UPLOAD, 1)
            assert len(sent) == times
        assert 3 < sent[0] - len(head) < 1000
        assert list(world.folder.glob("*/*")) == []


def test_a_label_studio_of_which_every_file_drips_is_left_alone(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(download, "GRACE_SECONDS", 0.05)
    with dripping(b"HTTP/1.1 200 OK\r\n", 60) as (url, sent):
        cache = MediaCache(Studio(url, "key"), world.folder, 1)
        for task in range(IN_A_ROW):
            with pytest.raises(MediaError, match="Expected at least"):
                cache.path(f"/data/upload/1/{task}.png", task)
        with pytest.raises(StudioUnreachable, match="files in a row"):
            cache.path(UPLOAD, 1)
        assert len(sent) == IN_A_ROW


def test_nobody_waits_for_a_file_that_nobody_wants_any_more(world: World) -> None:
    def stop() -> None:
        raise TrainingInterrupted("the worker stops")

    with dripping(b"HTTP/1.1 200 OK\r\n", 60) as (url, _):
        cache = MediaCache(Studio(url, "key"), world.folder, 1)
        with pytest.raises(TrainingInterrupted):
            cache.path(UPLOAD, 1, CancelToken(stop))
        assert list(world.folder.glob("*/*")) == []


def test_a_cache_costs_nothing_before_it_is_used(world: World) -> None:
    """An HTTP client takes a tenth of a second for its certificates, and a folder of many files seconds to look through."""
    made = MediaCache(world.studio.studio(), world.folder, 1)
    assert "_elsewhere" not in vars(made._download)
    made.close()
    assert "_elsewhere" not in vars(made._download)


def test_a_video_that_is_none_is_not_kept(world: World, tmp_path: Path) -> None:
    url = "/data/upload/1/a.mp4"
    world.serve(url, b"<!doctype html>")
    cache = world.cache()
    with pytest.raises(MediaError, match="holiday cannot be decoded"):
        cache.video(url, 1, "holiday")
    world.serve(url, write_video(tmp_path / "a.mp4", [numbered(5)]).read_bytes())
    assert number_of(cache.video(url, 1, "holiday").frame(1)) == 5
