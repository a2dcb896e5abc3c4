"""The path under which a proxy serves us, where it strips that path before it passes a request on.

Traefik says it by itself, others are told to: `X-Forwarded-Prefix: /models`. Anybody may send the header; it only changes the
links of the answer to who sent it, and nothing but a plain path is taken.
"""

import re

from starlette.datastructures import Headers
from starlette.types import Scope

HEADER = "x-forwarded-prefix"
_PREFIX = re.compile(r"(?:/[A-Za-z0-9_~-][A-Za-z0-9._~-]*){1,8}", re.ASCII)
"""Parts that begin with a dot would be taken back by a browser, and two slashes lead to another host."""
LONGEST = 200


def prefixed(scope: Scope) -> Scope:
    """The request's scope, with `root_path` as the proxy says; unchanged where it says nothing usable."""
    said = Headers(scope=scope).getlist(HEADER)
    prefix = said[0].rstrip("/") if len(said) == 1 else ""
    if scope.get("root_path") or len(prefix) > LONGEST or not _PREFIX.fullmatch(prefix):
        return scope
    return {**scope, "root_path": prefix}
