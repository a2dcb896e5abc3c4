from urllib.parse import quote, unquote

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.errors import MediaError
from backend.studio.source import check_credentials, is_media, plain, short, source_of

BASE = httpx.URL("http://ls.example/studio")


@pytest.mark.parametrize(
    "path",
    ["/data/upload/1/a.png", "/data/local-files/?d=a/../b.png", "/storage-data/uploaded/?filepath=x", "/tasks/7/resolve/",
     "/tasks/7/presign/?fileuri=x", "/projects/3/resolve", "/data/upload/1/a b.png", "/data/upload/1/ü.png",
     "/data/upload/1/a%20b.png", "/data/upload/1/50%25.png", "/data/upload/1/a;b.png", "/data/upload/1/..a.png"],
)  # fmt: skip
def test_media_of_label_studio(path: str) -> None:
    assert source_of(path, 1, BASE)[1]
    assert source_of(f"{BASE}{path}", 1, BASE) == source_of(path, 1, BASE) == source_of(f"/studio{path}", 1, BASE)


TRICKS = [
    "/data/../api/users/", "/data/%2e%2e/api/users/", "/data/%252e%252e/api/", "/data/%25252e%25252e/api/", "/data/..%2fapi/",
    "/data/..;/api/users/", "/data/..;x=1/api/", "/data/%2e%2e;/api/", "/data/..%3b/api/", "/data/x/..\\..\\api/users",
    "/data/x%5c..%5capi", "/data//api/users/", "/data/%2f/api", "/data/upload//1/a.png", "/data/./../api/projects/1/",
    "/data/.;/a", "/data/upload/1/a%00.png", "/data/upload/1/a%0d%0ax.png", "/data/%c0%ae%c0%ae/api/", "/data/‥/api/",
    "/data/．．/api/", "/data/.. /api/", "/data/%2e%2e%20/api/", "/datax/a.png", "/data", "/api/users/", "/projects/1/data",
    "/tasks/1/resolve/../../api/", "/tasks/x/resolve/", "/projects/1/settings", "//data/upload/1/a.png", "/\\evil.example/x",
    "\\\\evil.example\\x", "/user/login/?next=/data/upload/1/a.png",
]  # fmt: skip


@pytest.mark.parametrize("path", TRICKS)
def test_what_leads_elsewhere_never_gets_the_key(path: str) -> None:
    for url in (path, f"{BASE}{path}"):
        try:
            asked, trusted = source_of(url, 1, BASE)
        except MediaError:
            continue
        assert not trusted
        assert asked.host != BASE.host


@given(st.text(st.sampled_from("/.%;\\ 25efacx"), max_size=30))
def test_no_reading_of_a_media_path_steps_up(tail: str) -> None:
    try:
        url = httpx.URL(f"{BASE}/data/" + quote(tail, safe="/.%;\\"))
    except httpx.InvalidURL:
        return
    if is_media(url, BASE):
        read = url.raw_path.decode()
        for _ in range(6):
            read = unquote(read)
            assert "\\" not in read
            assert "//" not in read
            assert not {"..", "."} & {part.partition(";")[0] for part in read.split("/")}


@pytest.mark.parametrize(
    "url",
    ["http://user:pass@ls.example/studio/data/upload/1/a.png", "http://token@cdn.example/a.png", "https://:x@cdn.example/a",
     "http://localhost:8336@127.0.0.1:8336/x.png"],
)  # fmt: skip
def test_a_user_or_password_in_a_url_is_refused_and_not_repeated(url: str) -> None:
    with pytest.raises(MediaError, match="holds a user name or password") as error:
        source_of(url, 1, BASE)
    assert "pass" not in str(error.value).replace("password", "")
    assert "token" not in str(error.value)
    with pytest.raises(MediaError):
        check_credentials(httpx.URL(url))


@pytest.mark.parametrize(
    "url", ["http://[::1", "http://", "\x00", "file:///etc/passwd", "ftp://a/b", "javascript:alert(1)"]
)
def test_what_cannot_be_fetched_is_refused_with_words(url: str) -> None:
    with pytest.raises(MediaError, match="Expected"):
        source_of(url, 1, BASE)


@given(st.text(max_size=60))
def test_any_text_is_a_source_or_refused(url: str) -> None:
    try:
        asked, trusted = source_of(url, 1, BASE)
    except MediaError:
        return
    assert asked.scheme in ("http", "https")
    assert not trusted or is_media(asked, BASE)


def test_without_label_studio() -> None:
    with pytest.raises(MediaError, match="Set LABEL_STUDIO_URL"):
        source_of("/data/upload/1/a.png", 1, None)
    assert source_of("http://cdn.example/a.png", 1, None) == (httpx.URL("http://cdn.example/a.png"), False)


def test_secrets_do_not_get_into_messages() -> None:
    assert plain(httpx.URL("https://u:p@s3.example/a.png?signature=1#x")) == "https://s3.example/a.png"
    assert "secret" not in short("ftp://me:secret@host/x" + "a" * 300)
