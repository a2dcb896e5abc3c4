"""Value: a node of a composition. Frozen, equal by digest, and made of parts."""

import hashlib
import json
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from typing import Any, ClassVar, Self


class Value(ABC):
    """What micro-models, compositions and the steps of chains have in common."""

    kind: ClassVar[str]
    """Its name in files: never changed, and no other's."""

    @property
    def parts(self) -> "tuple[Value, ...]":
        """What it is made of."""
        return ()

    @property
    def settings(self) -> Mapping[str, Any]:
        """What it is besides its parts, as JSON."""
        return {}

    @classmethod
    @abstractmethod
    def restored(cls, settings: Mapping[str, Any], parts: Sequence[Any]) -> Self:
        """From what `settings` and `parts` gave; any error says that they make none."""

    @property
    @abstractmethod
    def title(self) -> str:
        """Short, as one would write it."""

    @cached_property
    def digest(self) -> str:
        """SHA-256 in hexadecimal digits of all that it is; equal values have equal ones, on every machine."""
        content = [self.kind, dict(self.settings), [part.digest for part in self.parts]]
        return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()

    def leaves(self) -> "Iterator[Value]":
        """The parts that have no parts, also those of parts; itself where it has none."""
        if not self.parts:
            yield self
        for part in self.parts:
            yield from part.leaves()

    def __eq__(self, other: object) -> bool:
        return self.digest == other.digest if isinstance(other, Value) else NotImplemented

    def __hash__(self) -> int:
        return hash(self.digest)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.title}>"
