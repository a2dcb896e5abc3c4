"""Connecting every project that asks for something we can do, also those that are made later."""

from collections.abc import Callable, Iterator

import structlog

from backend.errors import LabelingConfigError, StudioError
from backend.loop.connect import connect_project, studio_of
from backend.loop.services import Services
from backend.studio import labeling_config
from backend.studio.connection import Check
from model_registry import ProjectRecord

LOOK_SECONDS = 10.0
"""Pause between looks for new projects: a person who has just made one is still importing."""

log = structlog.get_logger(__name__)


class ConnectRound:
    """Connects what is not connected yet. A project that somebody disconnected in Label Studio is left alone."""

    def __init__(
        self, services: Services, backend_url: str, told: Callable[[int, int], None] = lambda done, of: None
    ) -> None:
        """`told` hears how many projects were looked at, and of how many."""
        self._services = services
        self._told = told
        self._url = backend_url
        self._refused: dict[int, str] = {}
        """{project: its labeling config when there was nothing in it for us}"""

    def __call__(self) -> Iterator[tuple[int, list[Check]]]:
        """Each project that was connected now, with the checks; raises StudioUnreachable, StudioForbidden."""
        rows = list(studio_of(self._services, ProjectRecord(0)).projects())
        for done, row in enumerate(rows):
            self._told(done, len(rows))
            number, config = int(row["id"]), str(row["label_config"])
            if not self._is_connected(number) and self._asks(number, config):
                try:
                    yield number, connect_project(self._services, number, self._url, None, None)
                except StudioError as error:
                    log.error("project not connected; tried again later", project=number, why=str(error))
        self._told(len(rows), len(rows))

    def _is_connected(self, number: int) -> bool:
        record = self._services.registry.projects.get(number)
        return record is not None and ("backend_id" in record.settings or record.stopped is not None)

    def _asks(self, number: int, config: str) -> bool:
        """Whether the labeling config has a control tag that we can do; `model_skip` on all of them says no."""
        if self._refused.get(number) == config:
            return False
        try:
            labeling_config.parse(config).require()
        except LabelingConfigError as error:
            log.info("project left alone", project=number, why=str(error))
            self._refused[number] = config
            return False
        return True


def connect_for_ever(
    services: Services,
    backend_url: str,
    report: Callable[[int, list[Check]], None],
    wait: Callable[[float], bool],
    told: Callable[[int, int], None] = lambda done, of: None,
) -> None:
    """Look again and again until `wait(seconds)` says to stop; Label Studio may be away meanwhile."""
    look = ConnectRound(services, backend_url, told)
    while True:
        try:
            for number, checks in look():
                report(number, checks)
        except StudioError as error:
            log.warning("projects not looked through; tried again", why=str(error), seconds=LOOK_SECONDS)
        if wait(LOOK_SECONDS):
            return
