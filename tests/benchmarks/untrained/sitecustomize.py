"""A process without networks: Python runs this at the start of one that has this folder on its path. The modules that
need torch, which takes seconds to import, are `tests/untrained.py` instead."""

import sys
from collections.abc import Sequence
from importlib.machinery import ModuleSpec
from importlib.util import spec_from_file_location
from pathlib import Path
from types import ModuleType

STAND_IN = Path(__file__).parents[2] / "untrained.py"
NAMES = {f"backend.learning.{name}" for name in ("methods", "network.features", "network.threads")}


class Untrained:
    """Finds the stand-in under the names of the networks' modules."""

    def find_spec(self, name: str, path: Sequence[str] | None, target: ModuleType | None = None) -> ModuleSpec | None:
        return spec_from_file_location(name, STAND_IN) if name in NAMES else None


sys.meta_path.insert(0, Untrained())
