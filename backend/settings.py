"""The only reader of the environment. Every field has its unit and its reason.

Each setting is read from `MICRO_MODELS_<NAME>`; those that Label Studio's own backends share are also read under the
name known there (`PORT`, `LABEL_STUDIO_URL`, `LABEL_STUDIO_API_KEY`).
"""

import os
import secrets
from functools import cached_property
from pathlib import Path
from typing import Literal

from platformdirs import user_data_path
from pydantic import AliasChoices, Field, SecretStr, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

from backend.errors import SettingsError

NAME = "micro-models"
OLD_FOLDER = Path("micro-models-data")
"""Data folder of earlier releases, in the working directory."""


class Settings(BaseSettings):
    """What an operator may choose; the defaults serve one person on one laptop."""

    model_config = SettingsConfigDict(env_prefix="MICRO_MODELS_", env_ignore_empty=True, populate_by_name=True)

    # -- where things are
    data_dir: Path | None = Field(
        None, description="Folder of registry, artifacts, queue and media cache; empty: the user's own."
    )
    database_url: str = Field("", description="SQLAlchemy URL of the registry; empty: SQLite in the data folder.")
    artifacts_url: str = Field("", description="fsspec URL of the artifacts; empty: a folder in the data folder.")
    queue_url: str = Field("", description="redis:// or rediss:// URL of the queue; empty: SQLite in the data folder.")

    # -- serving
    host: str = Field("0.0.0.0", description="Address to listen on; all, since Label Studio may be in a container.")
    port: int = Field(
        9090,
        ge=1,
        le=65535,
        validation_alias=AliasChoices("MICRO_MODELS_PORT", "PORT"),
        description="Port to listen on; 9090 is what Label Studio's documentation uses for backends.",
    )
    basic_auth_user: str = Field("", description="With the password: demanded from Label Studio's own calls.")
    basic_auth_password: SecretStr = Field(SecretStr(""), description="See `basic_auth_user`.")
    predict_seconds: float = Field(
        60, gt=0, description="Time budget of one /predict, seconds; Label Studio gives up at 100."
    )
    title: str = Field("micro-models", min_length=1, description="The backend's title, until Label Studio tells ours.")

    # -- Label Studio
    label_studio_url: str = Field(
        "",
        validation_alias=AliasChoices("MICRO_MODELS_LABEL_STUDIO_URL", "LABEL_STUDIO_URL"),
        description="As this machine reaches it, with its path prefix if any.",
    )
    label_studio_api_key: SecretStr = Field(
        SecretStr(""),
        validation_alias=AliasChoices("MICRO_MODELS_LABEL_STUDIO_API_KEY", "LABEL_STUDIO_API_KEY"),
        description="Legacy token or personal access token; without one, predictions are only given when asked for.",
    )
    media_hosts: tuple[str, ...] = Field(
        (), description="JSON list of hosts besides Label Studio's to load media from."
    )
    media_cache_mb: int = Field(2000, ge=1, description="Most that the media cache may take on disk, MB.")
    document_root: Path | None = Field(
        None, description="Label Studio's LOCAL_FILES_DOCUMENT_ROOT where this machine has it too: spares the download."
    )

    # -- the loop
    group_by: str = Field("", description="Data field that names the group; empty: look for the well-known ones.")
    training: Literal["auto", "manual"] = Field("auto", description="manual: only 'Start training' and `train` train.")
    min_labels: int = Field(
        1, ge=1, description="Labelled tasks that a group needs before it is trained the first time."
    )
    quiet_seconds: float = Field(
        1.0, ge=0, description="Quiet time after a label before its group is trained: a burst becomes one training."
    )
    patience_seconds: float = Field(
        20.0, ge=0, description="Longest that a stream of labels may put a training off, so that it cannot starve."
    )
    sweep_seconds: float = Field(
        300.0, gt=0, description="Pause between comparisons with Label Studio's API, which repair what events missed."
    )
    lease_seconds: float = Field(
        20.0, gt=1, description="Life of a worker's lease on a group without renewal: how long a killed one delays it."
    )

    proposals: bool = Field(
        True, description="Predictions for groups without a label, by what the project's other groups learnt."
    )

    # -- learning
    device: str = Field("auto", description="auto, cpu, cuda or cuda:N; auto takes CUDA where there is one.")
    threads: int = Field(
        0, ge=0, description="Threads of the worker's training; 0: OMP_NUM_THREADS, else one for each core."
    )
    serve_threads: int = Field(
        1, ge=1, description="Threads of a prediction in the server, which must stay responsive."
    )
    effort: float = Field(
        1.0,
        gt=0,
        le=10,
        description="Share of the recipes' training steps that is done: less is quicker and less sure.",
    )
    backbone: str = Field("tf_efficientnet_lite0", min_length=1, description="timm name of the shared feature network.")
    model_cache_mb: int = Field(256, ge=1, description="Most that loaded micro-models may take in the server, MB.")
    frame_cache_mb: int = Field(1000, ge=1, description="Most that decoded frames of one training may take, MB.")
    log_format: Literal["text", "json"] = Field("text", description="json for log collectors.")

    @property
    def basic_auth(self) -> tuple[str, str] | None:
        """User and password that are demanded from Label Studio's own calls; None where there are none."""
        password = self.basic_auth_password.get_secret_value()
        return (self.basic_auth_user, password) if self.basic_auth_user and password else None

    @cached_property
    def database(self) -> str:
        """SQLAlchemy URL of the registry."""
        return self.database_url or f"sqlite:///{self.folder / 'registry.db'}"

    @cached_property
    def artifacts(self) -> str:
        """fsspec URL of the artifacts."""
        return self.artifacts_url or str(self.folder / "artifacts")

    @cached_property
    def folder(self) -> Path:
        """The data folder, made where missing, readable by its owner only: it holds API keys."""
        folder = (self.data_dir or _default_folder()).expanduser().resolve()
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        return folder

    @cached_property
    def uses_old_folder(self) -> bool:
        """Whether the data folder is one that an older release made where it was started."""
        return self.data_dir is None and self.folder == OLD_FOLDER.resolve()


def load_settings() -> Settings:
    """Settings from the environment; raises SettingsError that names the variable and what it may be."""
    try:
        return Settings()  # type: ignore[call-arg]
    except ValidationError as error:
        lines = [f"{'.'.join(map(str, e['loc']))}={e.get('input')!r}: {e['msg']}" for e in error.errors()]
        raise SettingsError("Settings from the environment are not usable. " + "; ".join(lines)) from None


def _default_folder() -> Path:
    """The same wherever a command is typed; but what an older release left in this working directory is not lost."""
    return OLD_FOLDER if OLD_FOLDER.is_dir() else user_data_path(NAME, appauthor=False)


def worker_environment() -> dict[str, str]:
    """The environment of an embedded worker: ours, with OpenMP's threads told to wait a moment, then to sleep.

    Where something else runs too (Label Studio, a browser) threads that spin for long take the cores from those that
    they wait for. Threads that sleep at once cost a third more time on a quiet machine; 20,000 turns are a few
    microseconds, and lost nothing there.
    """
    return {"GOMP_SPINCOUNT": "20000", **os.environ}


def new_secret() -> str:
    """A secret for a webhook header."""
    return secrets.token_urlsafe(24)
