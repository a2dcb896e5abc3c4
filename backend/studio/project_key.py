"""Label Studio's two ways of naming a project."""

from backend.errors import StudioError

LARGEST_ID = 2**63 - 1
"""Of a database's integers; whoever sends more did not get it from Label Studio."""


def parse(key: object) -> int:
    """The project id of `12`, `"12"` or `"12.1795391199"` (id and time of creation, in /setup and /predict)."""
    if isinstance(key, int) and not isinstance(key, bool) and 0 < key <= LARGEST_ID:
        return key
    if isinstance(key, str):
        head = key.strip().partition(".")[0]
        if head.isascii() and head.isdigit() and len(head) < 20 and 0 < int(head) <= LARGEST_ID:
            return int(head)
    raise StudioError(
        f"{key!r} names no project. Expected an id such as 12, or 12.1795391199 as Label Studio sends it."
    )
