"""What the use cases work with, made once for each process and passed in."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

from backend.jobs.queue import Queue
from backend.settings import Settings
from backend.studio.client import Studio
from backend.studio.labeling_config import LabelingConfig, parse
from backend.studio.media import DECODED_BYTES, MediaCache
from backend.studio.room import Room
from model_registry import ProjectRecord, Registry

CONFIGS_KEPT = 256
"""Parsed labeling configs that a process keeps: every event brings one, and they seldom change."""

RECHECK_SECONDS = 60.0
"""How long a picture is taken for current before its server is asked whether it was replaced: about once a training."""


@dataclass(frozen=True, slots=True)
class Services:
    """The rooms below the loop, as this process has them."""

    settings: Settings
    registry: Registry
    queue: Queue
    clock: Callable[[], float]
    parse_config: Callable[[str], LabelingConfig]
    connect_studio: Callable[[str, str], Studio]
    open_media: Callable[[str, str], MediaCache]
    seed: int = 0
    """Added to a version's number, it seeds that version's training."""

    def studio(self, project: ProjectRecord) -> Studio | None:
        """Label Studio as this project reaches it; None where no API key is known (pull mode)."""
        url, key = self._address(project)
        return self.connect_studio(url, key) if url and key else None

    def media(self, project: ProjectRecord) -> MediaCache:
        """Where the project's media are fetched from and kept."""
        return self.open_media(*self._address(project))

    def _address(self, project: ProjectRecord) -> tuple[str, str]:
        """(Label Studio's URL, API key) of a project; empty where they are not known."""
        url = project.settings.get("url") or self.settings.label_studio_url
        return url, project.settings.get("api_key") or self.settings.label_studio_api_key.get_secret_value()

    def config(self, project: ProjectRecord) -> LabelingConfig:
        """The project's labeling config; raises LabelingConfigError where it cannot be read."""
        return self.parse_config(project.config)


def make_services(
    settings: Settings, registry: Registry, queue: Queue, clock: Callable[[], float], open_studio: type[Studio] = Studio
) -> Services:
    """Services with one Label Studio client and one media cache for each address and key, and labeling configs parsed once."""
    connect_studio, room = lru_cache(CONFIGS_KEPT)(open_studio), Room(DECODED_BYTES)

    def open_media(url: str, key: str) -> MediaCache:
        return MediaCache(
            connect_studio(url, key) if url and key else None, settings.folder / "media", settings.media_cache_mb,
            settings.media_hosts, settings.document_root, recheck_seconds=RECHECK_SECONDS, room=room,
        )  # fmt: skip

    return Services(
        settings=settings,
        registry=registry,
        queue=queue,
        clock=clock,
        parse_config=lru_cache(CONFIGS_KEPT)(parse),
        connect_studio=connect_studio,
        open_media=lru_cache(CONFIGS_KEPT)(open_media),
    )
