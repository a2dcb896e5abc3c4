"""The one exception tree of the product.

    MicroModelsError
    ├── SettingsError            a setting has an impossible value
    ├── LabelingConfigError      the labeling config asks for nothing that we can do
    ├── StudioError              Label Studio refused or answered something unexpected
    │   ├── StudioUnreachable    no answer of Label Studio's that could be used: worth trying again
    │   ├── StudioMissing        Label Studio itself answered 404: the thing is gone
    │   └── StudioForbidden      the API key is missing, wrong or of a kind that is switched off
    ├── ImportRefused            a video does not belong into this project as frames, or is there already
    ├── MediaError               one task's image cannot be had: costs that task alone
    │   └── DamagedMedia         what was fetched cannot be decoded: not kept, fetched again the next time
    ├── CheckpointError          a segment-anything checkpoint cannot be used: prompts are answered without it
    ├── LabelError               one annotation cannot be used: costs that annotation alone
    ├── StorageError             a disk is full or a folder cannot be written: worth trying again
    ├── RegistryError            a record is missing or a transition is not allowed
    │   ├── RegistryUnavailable  the database is away, locked, full or damaged: nothing can be read or written
    │   ├── ArtifactError        an artifact cannot be written or read: worth trying again
    │   │   └── ArtifactDamaged  the store answers, and what it holds is not what was written
    │   ├── BackupError          a backup cannot be made, or is not one that can be restored
    │   ├── InboxError           an event cannot be kept
    │   └── LeaseLost            another worker has taken the group over
    ├── TrainingError            training could not produce a usable micro-model
    │   ├── TrainingInterrupted  the labels changed meanwhile, the worker is stopping, or the time for it is over
    │   └── WeightsUnusable      the weights are readable, but no micro-model that this program can load
    ├── DataSetError             a data set cannot be read or written, or a library that its format needs is missing
    ├── CompositionError         micro-models do not fit together, or are asked for what they do not have
    ├── DemoError                the demo cannot start one of its parts, or its data is not usable
    └── FigureError               a picture cannot be drawn, or a benchmark cannot be run

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
    """Label Studio gave no answer that could be used, or something else gave it; the same request may succeed later."""


class StudioMissing(StudioError):
    """Label Studio itself answered 404, in its own words: the thing asked for is gone."""


class StudioForbidden(StudioError):
    """The API key is missing, wrong, or of a kind that is switched off."""


class ImportRefused(MicroModelsError):
    """A video does not belong into this project as frames, or is there already."""


class MediaError(MicroModelsError):
    """The media of one task cannot be had; the others are not touched by it."""


class DamagedMedia(MediaError):
    """What was fetched is no whole picture or video; another answer may be."""


class LabelError(MicroModelsError):
    """One region of an annotation cannot be used; the others are not touched by it."""


class CheckpointError(MicroModelsError):
    """A segment-anything checkpoint cannot be had, read or held."""


class StorageError(MicroModelsError):
    """A disk is full, or a file or folder cannot be written; the same may succeed once that is mended."""


class RegistryError(MicroModelsError):
    """A record is missing, or a transition between states is not allowed."""


class RegistryUnavailable(RegistryError):
    """The database is away, locked by another process, full, or damaged; nothing was written."""


class ArtifactError(RegistryError):
    """An artifact cannot be written or read; the store may be away, and the same request may succeed later."""


class ArtifactDamaged(ArtifactError):
    """The store answers, and the artifact is missing or not the content that was written: no later try will mend it."""


class BackupError(RegistryError):
    """A backup cannot be made, or a folder is not a whole backup that this program can restore."""


class InboxError(RegistryError):
    """The inbox is full, or cannot be written to."""


class LeaseLost(RegistryError):
    """Another worker has taken the group over."""


class TrainingError(MicroModelsError):
    """Training could not produce a usable micro-model."""


class TrainingInterrupted(TrainingError):
    """Work was given up on purpose: newer labels came, the worker is stopping, or the time for it is over."""


class WeightsUnusable(TrainingError):
    """The weights are readable, but make no micro-model: of another format, of wrong shapes, or not finite."""


PASSING = (StudioUnreachable, StorageError, RegistryUnavailable)
"""What says nothing about the work at hand: the same work succeeds once the cause is gone, so it is never given up."""


class DataSetError(MicroModelsError):
    """A data set cannot be read or written as asked for, or a library that its format needs is not installed."""


class CompositionError(MicroModelsError):
    """Micro-models do not fit together, or one is asked for what it does not have."""


class DemoError(MicroModelsError):
    """The demo cannot start one of its parts, one of them ended, or its data is not usable."""


class FigureError(MicroModelsError):
    """A picture cannot be drawn, or a benchmark cannot be run as asked for."""


def in_words(error: BaseException) -> str:
    """What an error says to a person; one that nobody foresaw is told by its name."""
    return str(error) if isinstance(error, MicroModelsError) else f"{type(error).__name__}: {error}"
