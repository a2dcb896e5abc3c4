"""Retention: old weights are deleted. Each training leaves some megabytes, and few versions are ever gone back to."""

import structlog

from backend.errors import MicroModelsError
from backend.loop.services import Services

TIDY_SECONDS = 3600.0
"""Pause between two times: a hundred trainings take some hundred megabytes until then."""
YOUNG_SECONDS = 3600.0
"""Age below which a file that no version names is left alone: its version may be about to be recorded."""

log = structlog.get_logger(__name__)


class Tidy:
    """Deletes the weights of versions that nobody needs, now and then."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self._done: float | None = None

    def __call__(self) -> None:
        """Do it if its time has come; a store that is away is tidied the next time."""
        now = self._services.clock()
        if self._done is not None and now - self._done < TIDY_SECONDS:
            return
        self._done = now
        try:
            tidy(self._services)
        except MicroModelsError as error:
            log.warning("old weights are not deleted yet", why=str(error))


def tidy(services: Services, older_than_seconds: float = YOUNG_SECONDS) -> int:
    """Forget the weights of all versions but those that are needed, and delete the files that no version names; returns
    how many files."""
    registry = services.registry
    forgotten = registry.retention.forget_artifacts(services.settings.keep_versions)
    # Named before the files are listed: what is written meanwhile is young.
    removed = registry.artifacts.collect(registry.retention.artifacts(), older_than_seconds)
    if forgotten or removed:
        log.info("old weights deleted", versions=forgotten, files=removed)
    return removed
