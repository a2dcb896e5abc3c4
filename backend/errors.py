"""The one exception tree of the product.

    MicroModelsError
    ├── SettingsError            a setting has an impossible value
    ├── LabelingConfigError      the labeling config asks for nothing that we can do
    ├── StudioError              Label Studio refused or answered something unexpected
    │   ├── StudioUnreachable    no answer at all: worth trying again
    │   ├── StudioMissing        Label Studio answered 404: the thing is gone
    │   └── StudioForbidden      the API key is missing, wrong or of a kind that is switched off
    ├── MediaError               one task's image cannot be had: costs that task alone
    ├── LabelError               one annotation cannot be used: costs that annotation alone
    ├── StorageError             a disk is full or a folder cannot be written: worth trying again
    ├── RegistryError            a record is missing or a transition is not allowed
    │   ├── RegistryUnavailable  the database is away, locked, full or damaged: nothing can be read or written
    │   ├── ArtifactError        an artifact is missing or its hash is wrong
    │   └── LeaseLost            another worker has taken the group over
    ├── TrainingError            training could not produce a usable micro-model
    │   └── TrainingInterrupted  the labels changed meanwhile, or the worker is stopping
    ├── DemoError                the demo cannot start one of its parts, or its data is not usable
    └── StoryError               a picture cannot be drawn, or a benchmark cannot be run

Every message says what was found, what was expected, and what to do.
"""


class MicroModelsError(Exception):
    """Base of all errors that this product raises on purpose."""


class SettingsError(MicroModelsError):
    """A setting has an impossible value."""


class LabelingConfigError(MicroModelsError):
    """The labeling config asks for nothing that we can do, or cannot be read."""


class StudioError(MicroModelsError):
    """Label Studio refused a request or answered something unexpected."""


class StudioUnreachable(StudioError):
    """Label Studio gave no answer; the same request may succeed later."""


class StudioMissing(StudioError):
    """Label Studio answered 404: the thing asked for is gone."""


class StudioForbidden(StudioError):
    """The API key is missing, wrong, or of a kind that is switched off."""


class MediaError(MicroModelsError):
    """The media of one task cannot be had; the others are not touched by it."""


class LabelError(MicroModelsError):
    """One region of an annotation cannot be used; the others are not touched by it."""


class StorageError(MicroModelsError):
    """A disk is full, or a file or folder cannot be written; the same may succeed once that is mended."""


class RegistryError(MicroModelsError):
    """A record is missing, or a transition between states is not allowed."""


class RegistryUnavailable(RegistryError):
    """The database is away, locked by another process, full, or damaged; nothing was written."""


class ArtifactError(RegistryError):
    """An artifact is missing, or its content does not have the recorded hash."""


class LeaseLost(RegistryError):
    """Another worker has taken the group over."""


class TrainingError(MicroModelsError):
    """Training could not produce a usable micro-model."""


class TrainingInterrupted(TrainingError):
    """Training was given up on purpose: newer labels came, or the worker is stopping."""


PASSING = (StudioUnreachable, StorageError, RegistryUnavailable)
"""What says nothing about the work at hand: the same work succeeds once the cause is gone, so it is never given up."""


class DemoError(MicroModelsError):
    """The demo cannot start one of its parts, one of them ended, or its data is not usable."""


class StoryError(MicroModelsError):
    """A picture cannot be drawn, or a benchmark cannot be run as asked for."""


def in_words(error: BaseException) -> str:
    """What an error says to a person; one that nobody foresaw is told by its name."""
    return str(error) if isinstance(error, MicroModelsError) else f"{type(error).__name__}: {error}"
