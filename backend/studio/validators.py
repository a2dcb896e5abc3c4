"""Cache validators: what tells one content of a URL from the next, as HTTP has it, and by the content itself."""

import json
from dataclasses import asdict, dataclass, replace

import httpx


@dataclass(frozen=True, slots=True)
class Validators:
    """Of one answer; empty, or None, is what the server does not say."""

    etag: str = ""
    modified: str = ""
    """`Last-Modified`, as sent."""
    size: int | None = None
    """Bytes."""
    digest: str = ""
    """SHA-256 of the content, hexadecimal."""

    @classmethod
    def of(cls, response: httpx.Response, size: int | None = None) -> "Validators":
        """Those of an answer; its length is taken from the headers where `size` is not known."""
        length = response.headers.get("Content-Length", "")
        if size is None and length.isdigit() and response.status_code == httpx.codes.OK:
            size = int(length)
        return cls(response.headers.get("ETag", ""), response.headers.get("Last-Modified", ""), size)

    def headers(self) -> dict[str, str]:
        """Of a request that need not be answered where nothing has changed."""
        asked = {"If-None-Match": self.etag, "If-Modified-Since": "" if self.etag else self.modified}
        return {name: value for name, value in asked.items() if value}

    def differ(self, other: "Validators") -> bool:
        """Whether these are of another content; what one of them does not know says nothing."""
        if self.etag and other.etag:
            return self.etag.removeprefix("W/") != other.etag.removeprefix("W/")
        pairs = ((self.modified or None, other.modified or None), (self.size, other.size))
        return any(one is not None and two is not None and one != two for one, two in pairs)

    def with_digest(self, digest: str) -> "Validators":
        """The same of a content whose digest is known."""
        return replace(self, digest=digest)

    def dump(self) -> bytes:
        """As bytes, for `load`."""
        return json.dumps(asdict(self)).encode()

    @classmethod
    def load(cls, content: bytes) -> "Validators":
        """What `dump` wrote; empty ones for anything else."""
        try:
            return cls(**json.loads(content))
        except (ValueError, TypeError):
            return cls()
