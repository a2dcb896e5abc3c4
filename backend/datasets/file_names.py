"""Names of groups and frames as names of files: readable, on every system, each another one."""

import hashlib
import re
import unicodedata
from collections.abc import Hashable

_UNFIT = re.compile(r'[\x00-\x1f\x7f<>:"/\\|?*\ud800-\udfff]')
"""What a name of a file must not have on one system or another."""
_RESERVED = re.compile(r"(con|prn|aux|nul|com\d|lpt\d)(\..*)?", re.IGNORECASE)
"""Names that mean devices on Windows."""
LONGEST = 80
"""Bytes of a part of a name: two parts, a digest and an ending stay below the 255 that file systems take."""
TELLING = 8
"""Hexadecimal digits of a digest that tell alike names apart."""


def safe(name: str) -> str:
    """The name as a part of a file's name: letters of all scripts stay, what no system takes becomes `_`.

    A name that had to be changed, or that is told from another by upper and lower case alone on some systems, may be like
    another's; see `FileNames`.
    """
    text = _UNFIT.sub("_", unicodedata.normalize("NFC", name)).strip(" .")
    while len(text.encode()) > LONGEST:
        text = text[:-1]
    text = text.strip(" .") or "_"
    return f"_{text}" if _RESERVED.fullmatch(text) else text


def digest(name: str) -> str:
    """A few digits that another name does not have."""
    return hashlib.sha256(name.encode("utf-8", "surrogatepass")).hexdigest()[:TELLING]


class FileNames:
    """One name of a file for each of many keys: the plain one for the first that asks, with a digest for others like it.

    The same keys in another order may have other names; a key has the same one each time it is asked for.
    """

    def __init__(self) -> None:
        self._taken = set[tuple[str, str]]()
        self._given: dict[Hashable, str] = {}

    def of(self, *parts: str, within: str = "") -> str:
        """The name for these parts, which are the key too; `within` a folder others count nothing."""
        key = within, parts
        if key not in self._given:
            plain = "__".join(safe(part) for part in parts)
            telling = f"{plain}-{digest(chr(0).join(parts))}"
            name = telling if (within, plain.casefold()) in self._taken else plain
            self._taken.add((within, name.casefold()))
            self._given[key] = name
        return self._given[key]
