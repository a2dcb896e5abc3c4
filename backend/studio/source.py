"""Media sources: where a task's may be fetched from, what its URL means, and whether the API key may go there. Pure."""

import base64
import re
import unicodedata
from urllib.parse import unquote

import httpx

from backend.errors import MediaError
from backend.studio.auth import same_origin

CLOUD_SCHEMES = frozenset({"s3", "s3s", "gs", "azure-blob"})
"""URIs that only Label Studio can open, with the credentials of its storages."""
OF_LABEL_STUDIO = re.compile(r"/(data|storage-data)/.|/(tasks|projects)/\d+/(resolve|presign)/?$")
"""Paths at which Label Studio serves media. The key goes nowhere else, whatever URL somebody wrote into a task."""
MOST_DECODINGS = 4
"""Times that a path is percent-decoded to see what a proxy might make of it."""


def source_of(url: str, task: int, base: httpx.URL | None) -> tuple[httpx.URL, bool]:
    """(where to fetch a task's media from, whether Label Studio serves it: its redirects are to be trusted then).

    `base` is Label Studio's address. Raises MediaError for what is no URL that may be fetched.
    """
    if url.partition("://")[0] in CLOUD_SCHEMES:
        encoded = base64.urlsafe_b64encode(url.encode(errors="surrogatepass")).decode()
        return _at(base, f"tasks/{task}/resolve/?fileuri={encoded}"), True
    try:
        asked = httpx.URL(url.strip())
        if not asked.scheme and not asked.host:
            asked = _at(base, url.strip())
    except (httpx.InvalidURL, UnicodeError):
        raise MediaError(f"{short(url)!r} is not a URL. Expected the URL of an image.") from None
    if asked.scheme not in ("http", "https") or not asked.host:
        raise MediaError(
            f"{short(url)!r} cannot be fetched. Expected an upload (/data/upload/..), a local file "
            f"(/data/local-files/?d=..), http(s), data:, or through a storage of Label Studio: "
            f"{', '.join(sorted(CLOUD_SCHEMES))}."
        )
    check_credentials(asked)
    if base is None or not same_origin(asked, base):
        return asked, False
    if not is_media(asked, base):
        raise MediaError(
            f"{short(url)!r} is no media of Label Studio. Expected a plain path under /data/ or /storage-data/."
        )
    return asked, True


def is_media(url: httpx.URL, base: httpx.URL) -> bool:
    """Whether this URL at Label Studio is one of its media, however a proxy on the way reads the path."""
    path = url.raw_path.decode("ascii", errors="replace").partition("?")[0]
    prefix = base.path.rstrip("/")
    return all(
        read.startswith(prefix) and OF_LABEL_STUDIO.match(read[len(prefix) :]) and _is_plain(read)
        for read in _readings(path)
    )


def check_credentials(url: httpx.URL) -> None:
    """MediaError for a URL with a user name or password in it.

    They would be sent as basic authentication to whatever host the URL names. A browser does not load such pictures
    either, so that nobody could label them.
    """
    if url.userinfo:
        raise MediaError(
            f"{plain(url)}: the URL in the task holds a user name or password. Expected one without: browsers do not show "
            "such pictures. Add the place as a storage in Label Studio, which keeps its password."
        )


def plain(url: httpx.URL) -> str:
    """The URL without its query, which may hold a signature, and without user and password."""
    return str(url.copy_with(query=None, fragment=None, userinfo=b""))[:200]


def short(url: str) -> str:
    """The beginning of what is no usable URL, without user and password."""
    return re.sub(r"(?<=//)[^/@]*@", "", url[:200])[:100]


def _at(base: httpx.URL | None, path: str) -> httpx.URL:
    """A URL at Label Studio; its path prefix may be in `path` already, or not."""
    if base is None:
        raise MediaError(f"{short(path)!r} is kept by Label Studio. Set LABEL_STUDIO_URL and LABEL_STUDIO_API_KEY.")
    prefix = base.path.rstrip("/")
    if prefix and path.startswith(prefix + "/"):
        path = path[len(prefix) :]
    if path.startswith(("//", "/\\", "\\")):
        raise MediaError(f"{short(path)!r} is not a path at Label Studio. Expected one like /data/upload/1/a.png.")
    return httpx.URL(str(base).rstrip("/") + "/" + path.lstrip("/"))


def _readings(path: str) -> list[str]:
    """The path as sent, and as it reads when it is percent-decoded once, twice.."""
    found = [path]
    while len(found) <= MOST_DECODINGS and (decoded := unquote(found[-1])) != found[-1]:
        found.append(decoded)
    return found


def _is_plain(path: str) -> bool:
    """Whether nothing in the path leads elsewhere: no steps up, no empty parts, no other separators, no control signs."""
    text = unicodedata.normalize("NFKC", path)
    parts = [part.partition(";")[0].strip() for part in text.split("/")[1:]]
    steps = any(part in (".", "..") for part in parts) or "" in parts[:-1]
    return not steps and "\\" not in text and "\ufffd" not in text and text.isprintable()
