"""The one exception tree of the product.

    MicroModelsError
    ├── SettingsError            a setting has an impossible value
    ├── LabelingConfigError      the labeling config asks for nothing that we can do
    ├── StudioError              Label Studio refused or answered something unexpected
    │   ├── StudioUnreachable    no answer at all: worth trying again
    │   ├── StudioMissing        Label Studio answered 404: the thing is gone
    │   └── StudioForbidden      the API key is missing, wrong or of a kind that is switched off
    ├── MediaError               one task's image cannot be had: costs that task alone
    │   └── DamagedMedia         what was fetched cannot be decoded: not kept, fetched again the next time
    ├── LabelError               one annotation cannot be used: costs that annotation alone
    ├── RegistryError            a record is missing or a transition is not allowed
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


class DamagedMedia(MediaError):
    """What was fetched is no whole picture or video; another answer may be."""


class LabelError(MicroModelsError):
    """One region of an annotation cannot be used; the others are not touched by it."""


class RegistryError(MicroModelsError):
    """A record is missing, or a transition between states is not allowed."""


class ArtifactError(RegistryError):
    """An artifact is missing, or its content does not have the recorded hash."""


class LeaseLost(RegistryError):
    """Another worker has taken the group over."""


class TrainingError(MicroModelsError):
    """Training could not produce a usable micro-model."""


class TrainingInterrupted(TrainingError):
    """Training was given up on purpose: newer labels came, or the worker is stopping."""


class DemoError(MicroModelsError):
    """The demo cannot start one of its parts, one of them ended, or its data is not usable."""


class StoryError(MicroModelsError):
    """A picture cannot be drawn, or a benchmark cannot be run as asked for."""
