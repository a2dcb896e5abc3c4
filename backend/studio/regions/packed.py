"""Brush masks as run lengths (RLE), packed as Label Studio stores them.

The RGBA bytes of the whole image as runs (thi.ng rle-pack): the number of values in 32 bits, the bits of a value in 5, the
four sizes of a run's length in 4 each; then runs, each of a bit that says whether its values are all the same, two bits that
name the size of its length, the length, and the value or the values. The SDK reads them bit by bit in Python: minutes for
what somebody scribbled, and gigabytes for what somebody claims.
"""

import numpy as np
from numpy.typing import NDArray

HEADER = 32 + 5 + 4 * 4
"""Bits before the first run."""


def count_of(packed: bytes) -> int:
    """How many values are said to be in it."""
    return int.from_bytes(packed[:4], "big")


def unpack(packed: bytes) -> NDArray[np.uint8]:
    """(values,); raises ValueError where it is cut off, or where it cannot hold so many values."""
    bits = np.unpackbits(np.frombuffer(packed, np.uint8))
    text = (bits + ord("0")).tobytes().decode()
    if len(text) < HEADER:
        raise ValueError("no header")
    count, word = count_of(packed), int(text[32:37], 2) + 1
    sizes = [int(text[at : at + 4], 2) + 1 for at in range(37, HEADER, 4)]
    runs = (len(text) - HEADER) // (3 + min(sizes) + word)
    if count > runs * 2 ** max(sizes):
        raise ValueError(f"{count} values do not fit into {len(packed)} bytes")
    values, place, at = np.zeros(count, np.uint8), 0, HEADER
    while place < count:
        size = sizes[int(text[at + 1 : at + 3] or "0", 2)]
        start = at + 3 + size
        length = int(text[at + 3 : start] or "0", 2) + 1
        same = text[at : at + 1] == "1"
        end = start + word * (1 if same else length)
        if end > len(text) or (not same and place + length > count):
            raise ValueError(f"it ends after {place} of {count} values")
        one = int(text[start:end], 2) & 0xFF if same else _words(bits[start:end], word)
        values[place : place + length] = one
        place, at = place + length, end
    return values


def _words(bits: NDArray[np.uint8], word: int) -> NDArray[np.uint8]:
    """The lowest eight bits of each value."""
    rows = bits.reshape(-1, word)[:, -8:]
    return np.packbits(np.pad(rows, ((0, 0), (8 - rows.shape[1], 0))), axis=1)[:, 0]
