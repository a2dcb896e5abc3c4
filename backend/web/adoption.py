"""Registration of projects that nobody connected from here: each costs a row, a config and a place on the pages."""

import time
from collections.abc import Callable
from typing import Any

from fastapi import HTTPException

from backend.loop.services import Services
from backend.studio.labeling_config import well_formed
from backend.web.auth import BasicAuth

MOST_CONFIG = 1_000_000
"""Characters of a labeling config; a thousand labels have 50,000."""
MOST_EXTRA = 64_000
"""Characters of the extra params; we read one name out of them."""
AT_ONCE = 20
"""New projects that are taken in one after the other."""
SECONDS_EACH = 60.0
"""Until one more is."""


class Adoption:
    """Counts the unknown projects that come without credentials; one for each server process."""

    def __init__(self, services: Services, auth: BasicAuth, clock: Callable[[], float] = time.monotonic) -> None:
        self._projects, self._auth, self._clock = services.registry.projects, auth, clock
        self._left, self._at = float(AT_ONCE), clock()

    def check(self, project: int) -> None:
        """Raises 429 where too many came; whoever gave a password, and whatever is known, is always let in."""
        if self._auth.demanded or self._projects.get(project) is not None:
            return
        now = self._clock()
        self._left, self._at = min(AT_ONCE, self._left + (now - self._at) / SECONDS_EACH), now
        if self._left < 1:
            raise HTTPException(
                429,
                f"Project {project} is new here, and too many new ones came. Run `micro-models connect --project "
                f"{project}`, or try again in a minute.",
                {"Retry-After": str(round(SECONDS_EACH))},
            )
        self._left -= 1


def usable_config(config: Any) -> str | None:
    """A labeling config that is worth keeping; None where there is none, it is no XML, or far too long."""
    return config if isinstance(config, str) and len(config) <= MOST_CONFIG and well_formed(config) else None
