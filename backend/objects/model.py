"""Model: what can be asked what is in a frame. A micro-model is one, and so is every composition of models."""

from abc import abstractmethod
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, cast

from backend.errors import CompositionError
from backend.instances import Instances
from backend.objects.frames import AnyFrame, AnyFrames, InputFrame, each_of, input_frame
from backend.objects.value import Value
from backend.types import Head

if TYPE_CHECKING:
    from backend.objects.chain import Chain, Step

Tell = Callable[[float], object]
"""Is told how much more is done, as tqdm's `bar.update` is: frames of `label` and `film`, the share of the whole in `fit`. What
it raises ends the work."""


@dataclass(frozen=True, slots=True, eq=False)
class Answer:
    """What a model says about one frame."""

    found: Instances
    score: float
    """How probable it is that a person would leave the frame as it is, in [0, 1]; 0 where nobody has looked."""


class Model(Value):
    """A frozen value that is called with a frame. What takes models gives models: `only`, `above`, `|`, `>>`, `by_group`..."""

    @property
    @abstractmethod
    def labels(self) -> tuple[str, ...]:
        """The label set, in order; of points their names."""

    @property
    @abstractmethod
    def heads(self) -> frozenset[Head]:
        """What it finds: boxes, masks, points, classes of frames."""

    @property
    def hangs_on_boxes(self) -> bool:
        """Whether it finds points of objects whose boxes it must be given: `boxes >> points.inside()`."""
        return False

    @abstractmethod
    def answers(self, frames: Sequence[InputFrame], inside: Sequence[Instances] | None = None) -> list[Answer]:
        """One answer a frame, in order: what compositions ask their parts.

        Frames with an order in time are taken for neighbours, the others each by itself. With `inside`, one a frame, its
        answers are these objects, one for one, with what was found in them; None: whole frames are looked at.
        """

    def __call__(self, frame: AnyFrame, *, number: int | None = None, group: str | None = None) -> Instances:
        """What is in one frame, looked at by itself. `number` is that in its film, `group` says where it comes from.

        Raises MediaError where the frame cannot be read, WeightsUnusable where the weights make no micro-model.
        """
        [answer] = self.answers([input_frame(frame, number, group)])
        return answer.found

    def label(
        self, frames: AnyFrames, *, group: str | None = None, progress: Tell | None = None
    ) -> Iterator[Instances]:
        """What is in each of the frames, or of a folder's image files by name, looked at one by one, when asked for."""
        for number, frame in enumerate(each_of(frames)):
            yield self(frame, number=number, group=group)
            if progress is not None:
                progress(1)

    def film(self, video: str | Path | AnyFrames, *, progress: Tell | None = None) -> Iterator[tuple[int, Instances]]:
        """(number from 0, what is in it) of each frame of a video file, a folder or frames that follow each other in time.

        Neighbours in time are used and tracks kept; memory holds a window of frames.
        """
        from backend.objects.film import film

        return film(self, video, progress or (lambda more: None))

    def only(self, *labels: str) -> "Model":
        """What it says of these labels; raises CompositionError for others than it has."""
        from backend.objects.selection import selected

        return selected(self, labels)

    def above(self, score: float) -> "Model":
        """What it says with at least this score, in [0, 1]."""
        from backend.objects.selection import above

        return above(self, score)

    def inside(self) -> "Step":
        """A step of a chain: finds the points of each object in the box that comes in; raises CompositionError where these
        are no points that were learnt in boxes."""
        from backend.objects.inside import Inside

        return Inside(self)

    def crops(self, name: str | None = None) -> "Step":
        """A step of a chain: the class of each box's crop becomes its attribute of this name, the control tag's where none is
        given; raises CompositionError where these are no classes."""
        from backend.objects.crops import Crops

        return Crops(self, name or name_of(self))

    def save(self, path: str | Path) -> None:
        """Keep it in one safetensors file, with its card; `load` gives an equal value."""
        from backend.objects.files import save

        save(self, path)

    def __or__(self, other: "Model") -> "Model":
        """All that both say."""
        from backend.objects.union import united

        if not isinstance(other, Model):
            raise CompositionError(f"Found {other!r} after |. Expected a model; a step is chained: model >> step.")
        return united((self, other))

    def __rshift__(self, step: "Step") -> "Chain":
        """What this model says, handed on to a step."""
        from backend.objects.chain import chained

        return chained(self, step)

    def __repr__(self) -> str:
        count = len(self.labels)
        return f"<{type(self).__name__} {self.title}: {count} label{'' if count == 1 else 's'}>"


def models_in(value: Value) -> tuple[Model, ...]:
    """The parts of a composition of models."""
    return cast(tuple[Model, ...], value.parts)


def name_of(model: Value) -> str:
    """The control tag's name that its first micro-model answers to; `class` where it has none."""
    names = (str(leaf.settings.get("control", "")) for leaf in model.leaves())
    return next((name for name in names if name), "class")
