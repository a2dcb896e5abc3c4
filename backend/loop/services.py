"""What the use cases work with, made once for each process and passed in."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

from backend.errors import LabelingConfigError
from backend.jobs.queue import Queue
from backend.settings import Settings
from backend.studio.client import Studio
from backend.studio.labeling_config import LabelingConfig, parse
from backend.studio.media import MediaCache
from model_registry import ProjectRecord, Registry

CONFIGS_KEPT = 256
"""Parsed labeling configs that a process keeps: every event brings one, and they seldom change."""


@dataclass(frozen=True, slots=True)
class Services:
    """The rooms below the loop, as this process has them."""

    settings: Settings
    registry: Registry
    queue: Queue
    clock: Callable[[], float]
    parse_config: Callable[[str], LabelingConfig]
    connect_studio: Callable[[str, str], Studio]
    seed: int = 0
    """Added to a version's number, it seeds that version's training."""

    def studio(self, project: ProjectRecord) -> Studio | None:
        """Label Studio as this project reaches it; None where no API key is known (pull mode)."""
        url = project.settings.get("url") or self.settings.label_studio_url
        key = project.settings.get("api_key") or self.settings.label_studio_api_key.get_secret_value()
        return self.connect_studio(url, key) if url and key else None

    def media(self, project: ProjectRecord) -> MediaCache:
        """Where the project's media are fetched from and kept."""
        settings = self.settings
        return MediaCache(
            self.studio(project), settings.folder / "media", settings.media_cache_mb,
            settings.media_hosts, settings.document_root,
        )  # fmt: skip

    def config(self, project: ProjectRecord) -> LabelingConfig:
        """The project's labeling config; raises LabelingConfigError where it cannot be read, whatever is odd in it."""
        try:
            return self.parse_config(project.config)
        except LabelingConfigError:
            raise
        except Exception as error:
            raise LabelingConfigError(
                f"The labeling config cannot be read ({type(error).__name__}: {error}). Expected Label Studio's XML."
            ) from error


def make_services(
    settings: Settings, registry: Registry, queue: Queue, clock: Callable[[], float], open_studio: type[Studio] = Studio
) -> Services:
    """Services with one Label Studio client for each address and key, and labeling configs parsed once."""
    return Services(
        settings=settings,
        registry=registry,
        queue=queue,
        clock=clock,
        parse_config=lru_cache(CONFIGS_KEPT)(parse),
        connect_studio=lru_cache(CONFIGS_KEPT)(open_studio),
    )
