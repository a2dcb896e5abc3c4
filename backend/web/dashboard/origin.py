"""Whether a POST comes from our own pages: another site's page may make a browser send one, with its credentials."""

from collections.abc import Mapping
from urllib.parse import urlsplit


def same_site(headers: Mapping[str, str]) -> bool:
    """True where the browser says that the request comes from a page of ours.

    Browsers send Sec-Fetch-Site over https and to localhost, and Origin with every POST. Without either it was no page
    that asked, and scripts have the command line.
    """
    if site := headers.get("sec-fetch-site"):
        return site == "same-origin"
    origin, host = headers.get("origin", ""), headers.get("host", "")
    return bool(host) and urlsplit(origin).netloc.lower() == host.lower()
