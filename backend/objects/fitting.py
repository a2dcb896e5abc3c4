"""Fitting: training a micro-model on a few labelled frames, without Label Studio."""

from collections.abc import Callable, Sequence
from dataclasses import replace

from backend.errors import CompositionError, TrainingError
from backend.instances import Instances
from backend.objects.card import Card
from backend.objects.frames import AnyFrame, AnyFrames, each_of, input_frame
from backend.objects.micro_model import MicroModel
from backend.objects.model import Tell
from backend.objects.truth import classes_of, control_of, head_of, labeled_frame, labels_of
from backend.types import Control, Frame, Head, LabeledFrame, Progress, Start, Weights

BACKBONE = "tf_efficientnet_lite0"
"""The one whose weights are installed."""


def fit(
    frames: AnyFrames,
    labels: Sequence[Instances],
    *,
    rest: AnyFrames = (),
    start: MicroModel | None = None,
    group: str = "",
    control: str = "",
    head: Head | str | None = None,
    attribute: str = "",
    effort: float = 1.0,
    seed: int = 0,
    progress: Tell | None = None,
) -> MicroModel:
    """Train a micro-model on these frames; what it finds, boxes, masks, points or classes, follows from the labels.

    `rest` are frames of the same group that nobody labelled, decoded when they are looked at; `start` is a micro-model of
    another group. `group` and `control` are what its card says, `head` what the labels ask for where that is not plain, and
    `effort` the share of the usual training steps. With `attribute` it learns what this attribute of each object is, for
    `boxes >> model.crops()`. Raises TrainingError where nothing can be learnt, and what `progress` raises.
    """
    from backend.learning import methods
    from backend.learning.fitting.training_input import TrainingInput

    control = control or attribute
    wanted, labeled = _asked(frames, labels, head, attribute, control, start.labels if start else ())
    others, begun = LazyFrames(list(each_of(rest)), len(labeled)), _start(start, wanted.head)
    training = TrainingInput(
        labeled=labeled, labels=wanted.labels, unlabeled=others, start=begun, seed=seed, progress=_told(progress)
    )
    trained = methods.train(wanted, training, methods.recipe_for(wanted, BACKBONE, effort))
    kind = Start.SIBLING if start else Start.BACKBONE
    lineage = (start.digest, *start.card.lineage) if start else ()
    card = Card(group=group, control=control, labelled=len(labeled), start=str(kind), lineage=lineage)
    return MicroModel(trained.weights, card)


def _asked(
    frames: AnyFrames,
    labels: Sequence[Instances],
    head: Head | str | None,
    attribute: str,
    control: str,
    known: Sequence[str],
) -> tuple[Control, list[LabeledFrame]]:
    """The control tag that would ask for this, and the frames to learn from."""
    given = [input_frame(frame).frame for frame in each_of(frames)]
    if len(given) != len(labels):
        raise TrainingError(f"Found {len(given)} frames and {len(labels)} labels. Expected one for each frame.")
    if attribute:
        labels, head = [classes_of(one, attribute) for one in labels], Head.CLASSIFICATION
    asked = Head(head) if head is not None else head_of(given, labels)
    pairs = enumerate(zip(given, labels, strict=True))
    labeled = [labeled_frame(replace(frame, task=n), one) for n, (frame, one) in pairs]
    names = labels_of(asked, labels, known)
    return control_of(asked, names, labeled, control, of_regions=bool(attribute)), labeled


class LazyFrames(Sequence[Frame]):
    """Frames that are decoded when indexed, numbered from `first` on."""

    def __init__(self, frames: Sequence[AnyFrame], first: int) -> None:
        self._frames, self._first = frames, first

    def __len__(self) -> int:
        return len(self._frames)

    def __getitem__(self, index: int) -> Frame:  # type: ignore[override]
        at = range(len(self))[index]
        return replace(input_frame(self._frames[at]).frame, task=self._first + at)


def _start(start: MicroModel | None, head: Head) -> Weights | None:
    """The weights of a model of another group, as a start."""
    if start is None:
        return None
    if start.head is not head:
        raise CompositionError(
            f"Found the start {start!r}, and labels for {head}. Expected a micro-model of the same head, or no start."
        )
    if (own := start.blueprint.get("backbone")) != BACKBONE:
        raise CompositionError(f"{start!r} was trained on the backbone {own!r}. Expected {BACKBONE!r}, or no start.")
    return Weights(start.weights.arrays, {**start.weights.metadata, "start": str(Start.SIBLING)})


def _told(progress: Tell | None) -> Callable[[Progress], None]:
    """What learning calls with the share that is done, telling how much more that is."""
    done = 0.0

    def tell(state: Progress) -> None:
        nonlocal done
        if progress is not None and state.done > done:
            more, done = state.done - done, state.done
            progress(more)

    return tell
