"""Formats of data sets, both directions, on plain values: nothing in here knows Label Studio, torch or the registry."""

from backend.datasets.formats import FORMATS, format_of, guess, read
from backend.datasets.item import Item, Names, Picture, Planned
from backend.datasets.split import split
from backend.datasets.write import Step, write

__all__ = ["FORMATS", "Item", "Names", "Picture", "Planned", "Step", "format_of", "guess", "read", "split", "write"]
