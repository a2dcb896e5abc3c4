"""What the use cases work with, made once for each process and passed in."""

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import lru_cache, partial

from backend.errors import LabelingConfigError
from backend.jobs.queue import Queue
from backend.settings import Settings
from backend.studio.client import Studio
from backend.studio.labeling_config import LabelingConfig, parse
from backend.studio.media import DECODED_BYTES, MediaCache
from backend.studio.room import MemoryBudget
from backend.types import Media
from model_registry import ProjectRecord, Registry

CONFIGS_KEPT = 256
"""Parsed labeling configs that a process keeps: every event brings one, and they seldom change."""

RECHECK_SECONDS = 60.0
"""How long a picture is taken for current before its server is asked whether it was replaced: about once a training."""


@dataclass(frozen=True, slots=True)
class Access:
    """Where Label Studio is, and the key to it; empty where not known."""

    url: str = ""
    key: str = field(default="", repr=False)

    def __bool__(self) -> bool:
        return bool(self.url and self.key)

    def otherwise(self, other: "Access") -> "Access":
        """This, with what it lacks from the other."""
        return Access(self.url or other.url, self.key or other.key)


NOT_GIVEN = Access()


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
    given: Access = NOT_GIVEN
    """What a person gave with this command."""

    def access(self, project: ProjectRecord) -> Access:
        """How the project's Label Studio is reached: as a person gives it now, else as the last `connect` that worked
        stored it, else as the environment has it."""
        return self.given.otherwise(stored_access(project)).otherwise(self.environment)

    @property
    def environment(self) -> Access:
        """How Label Studio is reached by the environment's settings."""
        return Access(self.settings.label_studio_url, self.settings.label_studio_api_key.get_secret_value())

    def studio(self, project: ProjectRecord) -> Studio | None:
        """Label Studio as this project reaches it; None where no API key is known (pull mode)."""
        access = self.access(project)
        return self.connect_studio(access.url, access.key) if access else None

    def media(self, project: ProjectRecord) -> MediaCache:
        """Where the project's media are fetched from and kept."""
        access = self.access(project)
        return self.open_media(access.url, access.key)

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

    def video_field(self, project: ProjectRecord) -> str | None:
        """The data field that holds a whole video in each task; None where tasks hold images, or the config is odd."""
        try:
            controls = self.config(project).controls
        except LabelingConfigError:
            return None
        return next((control.media_field for control in controls if control.media is Media.VIDEO), None)


def stored_access(project: ProjectRecord) -> Access:
    """How `connect` last reached the project's Label Studio."""
    return Access(str(project.settings.get("url") or ""), str(project.settings.get("api_key") or ""))


def make_services(
    settings: Settings,
    registry: Registry,
    queue: Queue,
    clock: Callable[[], float],
    open_studio: Callable[[str, str], Studio] | None = None,
    given: Access = NOT_GIVEN,
) -> Services:
    """Services with one Label Studio client and one media cache for each address and key, and labeling configs parsed once."""
    certificates, budget = settings.certificates, MemoryBudget(DECODED_BYTES)
    connect_studio = lru_cache(CONFIGS_KEPT)(open_studio or partial(Studio, certificates=certificates))

    def open_media(url: str, key: str) -> MediaCache:
        return MediaCache(
            connect_studio(url, key) if url and key else None, settings.folder / "media", settings.media_cache_mb,
            settings.media_hosts, settings.document_root, recheck_seconds=RECHECK_SECONDS, budget=budget,
            certificates=certificates,
        )  # fmt: skip

    return Services(
        settings=settings,
        registry=registry,
        queue=queue,
        clock=clock,
        parse_config=lru_cache(CONFIGS_KEPT)(parse),
        connect_studio=connect_studio,
        open_media=lru_cache(CONFIGS_KEPT)(open_media),
        given=given,
    )
