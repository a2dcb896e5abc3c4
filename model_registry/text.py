"""Text sanitizing: what every engine stores."""

import re

_REFUSED = re.compile("[\0\ud800-\udfff]")


def storable(text: str) -> str:
    """The text without what an engine refuses, and a whole transaction with it: NUL and halves of surrogate pairs."""
    return text.replace("\0", "\ufffd").encode("utf-8", "replace").decode() if _REFUSED.search(text) else text
