"""The only reader of the environment. Every field has its unit and its reason.

Each setting is read from `MICRO_MODELS_<NAME>`; those that Label Studio's own backends share are also read under the
name known there (`PORT`, `LABEL_STUDIO_URL`, `LABEL_STUDIO_API_KEY`, `BASIC_AUTH_USER`, `BASIC_AUTH_PASS`, `LOG_LEVEL`,
`MODEL_DIR`).
"""

import errno
import ipaddress
import os
import re
from functools import cached_property
from pathlib import Path
from typing import Annotated, Literal, Self

from platformdirs import user_data_path
from pydantic import AliasChoices, BeforeValidator, Field, SecretStr, ValidationError, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict
from pydantic_settings import SettingsError as NotDecoded

from backend import variables
from backend.errors import SettingsError
from backend.password import keep, new_secret

NAME = "micro-models"
OLD_FOLDER = Path("micro-models-data")
"""Data folder of earlier releases, in the working directory."""
OTHER_LEVELS = {"warn": "warning", "fatal": "critical", "trace": "debug", "notset": "debug"}
"""What others call levels of logging."""
DEFAULT_USER = NAME
"""Goes with a password that was made."""


class Settings(BaseSettings):
    """What an operator may choose; the defaults serve one person on one laptop."""

    model_config = SettingsConfigDict(env_prefix="MICRO_MODELS_", env_ignore_empty=True, populate_by_name=True)

    # -- where things are
    data_dir: Path | None = Field(
        None,
        validation_alias=AliasChoices("MICRO_MODELS_DATA_DIR", "MODEL_DIR"),
        description="Folder of registry, artifacts, queue and media cache; empty: the user's own.",
    )
    database_url: str = Field("", description="SQLAlchemy URL of the registry; empty: SQLite in the data folder.")
    artifacts_url: str = Field("", description="fsspec URL of the artifacts; empty: a folder in the data folder.")
    queue_url: str = Field("", description="redis:// or rediss:// URL of the queue; empty: SQLite in the data folder.")

    # -- serving
    host: str = Field(
        "127.0.0.1",
        min_length=1,
        description="Address to listen on; 0.0.0.0 for other machines and containers, who must then give a password.",
    )
    port: int = Field(
        9090,
        ge=1,
        le=65535,
        validation_alias=AliasChoices("MICRO_MODELS_PORT", "PORT"),
        description="Port to listen on; 9090 is what Label Studio's documentation uses for backends.",
    )
    allowed_hosts: tuple[str, ...] = Field(
        (), description="JSON list of further names under which the backend is called, such as a proxy's."
    )
    basic_auth_user: str = Field(
        "",
        validation_alias=AliasChoices("MICRO_MODELS_BASIC_AUTH_USER", "BASIC_AUTH_USER"),
        description="With the password: demanded from Label Studio's own calls, and for the pages.",
    )
    basic_auth_password: SecretStr = Field(
        SecretStr(""),
        validation_alias=AliasChoices("MICRO_MODELS_BASIC_AUTH_PASSWORD", "BASIC_AUTH_PASS"),
        description="Empty: none on a loopback address, else one is made and kept in the data folder.",
    )
    webhook_secret: SecretStr = Field(
        SecretStr(""), description="One secret for the webhooks of all projects; empty: `connect` makes one for each."
    )
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
    certificates: Path | None = Field(
        None,
        validation_alias=AliasChoices("MICRO_MODELS_CERTIFICATES", "SSL_CERT_FILE", "REQUESTS_CA_BUNDLE"),
        description="File of the authorities to trust in place of the usual ones, PEM: for a certificate of one's own.",
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
    disk_floor_mb: int = Field(
        200,
        ge=0,
        description="Free space, MB, that the data folder's disk should have; with less, pages and /ready tell.",
    )
    lease_seconds: float = Field(
        20.0, gt=1, description="Life of a worker's lease on a group without renewal: how long a killed one delays it."
    )

    shots: bool = Field(
        False, description="`import` makes each shot of a video a group of its own, as `cuts` proposes them."
    )
    proposals: bool = Field(
        True, description="Predictions for groups without a label, by what the project's other groups learnt."
    )

    keep_versions: int = Field(
        5,
        ge=0,
        description="Versions of a micro-model to go back to whose weights are kept, besides serving and pinned ones.",
    )
    training_mb: int = Field(
        0, ge=0, description="Most memory that one training may take, MB; 0: what is free when it begins."
    )

    # -- learning
    device: str = Field("auto", description="auto, cpu, cuda or cuda:N; auto takes CUDA where there is one.")
    threads: int = Field(
        0,
        ge=0,
        description="Most threads of the worker's training; 0: OMP_NUM_THREADS, else one for each core. "
        "Fewer work while something else needs the cores.",
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
    sam_checkpoint: str = Field(
        "",
        description="segment-anything for prompts: a file, an fsspec URL, or vit_b, which is downloaded once; needs [sam].",
    )
    log_format: Literal["text", "json"] = Field("text", description="json for log collectors.")
    log_level: Annotated[
        Literal["debug", "info", "warning", "error", "critical"],
        BeforeValidator(lambda word: OTHER_LEVELS.get(word.lower(), word.lower()) if isinstance(word, str) else word),
    ] = Field(
        "info",
        validation_alias=AliasChoices("MICRO_MODELS_LOG_LEVEL", "LOG_LEVEL"),
        description="The least that is logged: debug, info, warning, error or critical.",
    )

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
        """The data folder, made where missing, readable by its owner only: it holds API keys.

        Raises SettingsError where it cannot be made or written.
        """
        chosen = self.data_dir or _default_folder()
        try:
            folder = chosen.expanduser().resolve()
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            if not os.access(folder, os.W_OK | os.X_OK):
                raise PermissionError(errno.EACCES, "this user may not write to it, or it is read-only")
        except (OSError, RuntimeError) as error:  # RuntimeError: nobody's home, a loop of links
            why = "it is a file" if isinstance(error, FileExistsError) else getattr(error, "strerror", None) or error
            raise SettingsError(
                f"The data folder {chosen} cannot be used: {why}. Expected a folder that this user may write to, "
                "or a place where one can be made: mend it, or name another one with MICRO_MODELS_DATA_DIR."
            ) from None
        return folder

    @cached_property
    def uses_old_folder(self) -> bool:
        """Whether the data folder is one that an older release made where it was started."""
        return self.data_dir is None and self.folder == OLD_FOLDER.resolve()

    @property
    def one_secret(self) -> str:
        """The secret that the webhooks of all projects carry; empty where each has its own."""
        return self.webhook_secret.get_secret_value()

    @cached_property
    def basic_auth(self) -> tuple[str, str] | None:
        """User and password that callers must give; None where nobody but this machine can call.

        Those that are set. Else those of the data folder, made as soon as other machines can reach the server; from
        then on they hold whatever it listens on, so that every command run on that folder knows them.
        """
        if self.basic_auth_user:
            return self.basic_auth_user, self.basic_auth_password.get_secret_value()
        if not self.on_loopback:
            keep(self.password_file, new_secret())
        found = self.password_file.read_text().strip() if self.password_file.exists() else ""
        return (DEFAULT_USER, found) if found else None

    @property
    def password_file(self) -> Path:
        """Where a password that was made is kept, readable by its owner only."""
        return self.folder / "password"

    @property
    def on_loopback(self) -> bool:
        """Whether the server listens for this machine alone."""
        try:
            return ipaddress.ip_address(self.host).is_loopback
        except ValueError:
            return self.host.lower() == "localhost"

    @model_validator(mode="after")
    def _both_or_none(self) -> Self:
        """Half a credential would silently be none at all."""
        user, password = bool(self.basic_auth_user), bool(self.basic_auth_password.get_secret_value())
        if user != password:
            there, missing = ("USER", "PASSWORD") if user else ("PASSWORD", "USER")
            raise ValueError(
                f"MICRO_MODELS_BASIC_AUTH_{there} is set, MICRO_MODELS_BASIC_AUTH_{missing} is not: set both, or none "
                "(BASIC_AUTH_USER and BASIC_AUTH_PASS do as well)"
            )
        return self


def load_settings(**chosen: object) -> Settings:
    """Settings from the environment, and what the command line has chosen instead.

    Raises SettingsError that names the variable, or the option, and what it may be.
    """
    try:
        return Settings(**chosen)  # type: ignore[arg-type]
    except NotDecoded as error:
        field = re.findall(r'"(\w+)"', str(error))[0]
        why = """expected a JSON list of texts, such as '["models.example.org"]'"""
        name = variables.names_of(field, Settings.model_fields.get(field))[0]
        raise SettingsError(f"Settings are not usable. {name}={os.environ.get(name, '')!r}: {why}") from None
    except ValidationError as error:
        fields = Settings.model_fields
        lines = [
            variables.wrong(e["loc"], e.get("input"), e["msg"], fields, chosen, os.environ) for e in error.errors()
        ]
        raise SettingsError("Settings are not usable. " + "; ".join(lines)) from None


def unheard_variables(serving: bool = False) -> list[str]:
    """What to say of variables of the environment that look like settings, to who is `serving` of the server's, and
    change nothing."""
    known = {name for field, info in Settings.model_fields.items() for name in variables.names_of(field, info)}
    return variables.misspelt(os.environ, known) + (variables.foreign(os.environ) if serving else [])


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
