"""Label Studio's two ways of naming a project."""

from backend.errors import StudioError


def parse(key: object) -> int:
    """The project id of `12`, `"12"` or `"12.1795391199"` (id and time of creation, in /setup and /predict)."""
    if isinstance(key, int) and not isinstance(key, bool) and key > 0:
        return key
    if isinstance(key, str):
        head = key.strip().partition(".")[0]
        if head.isascii() and head.isdigit() and int(head) > 0:
            return int(head)
    raise StudioError(
        f"{key!r} names no project. Expected an id such as 12, or 12.1795391199 as Label Studio sends it."
    )
