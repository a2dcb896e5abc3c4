"""Cross-origin check, against CSRF: whether a browser asks on behalf of another site's page, with our credentials."""

from collections.abc import Collection
from urllib.parse import SplitResult, urlsplit

from starlette.datastructures import Headers


def from_elsewhere(method: str, headers: Headers, names: Collection[str] = ()) -> bool:
    """True where another site's page asks for it, other than by a link that leads a person here.

    Browsers send Sec-Fetch-Site over https and to localhost, and Origin with every POST; programs send neither. `names`
    are hosts that a proxy may replace by its own in front of us.
    """
    sites, origins = headers.getlist("sec-fetch-site"), [_split(o) for o in headers.getlist("origin")]
    ours = sites == ["same-origin"]
    if not all(_leads_here(origin, headers) or (ours and origin.hostname in names) for origin in origins):
        return True
    if not sites or ours or sites == ["none"]:
        return False
    mode, destination = headers.get("sec-fetch-mode"), headers.get("sec-fetch-dest", "document")
    return not (method == "GET" and mode == "navigate" and destination == "document" and not origins)


def from_our_page(headers: Headers) -> bool:
    """Whether the browser says that a page of ours asks. Scripts say nothing; they have the command line."""
    if site := headers.get("sec-fetch-site"):
        return site == "same-origin"
    return "origin" in headers and _leads_here(_split(headers["origin"]), headers)


def _leads_here(origin: SplitResult, headers: Headers) -> bool:
    host = headers.get("host", "")
    return bool(host) and origin.netloc.lower() == host.lower()


def _split(origin: str) -> SplitResult:
    try:
        return urlsplit(origin)
    except ValueError:
        return urlsplit("null")
