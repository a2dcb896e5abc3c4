"""One data set replayed: frames are labelled, methods predict, the annotator mends the next frames, and so on."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from backend.bench.annotator import actions, submit
from backend.bench.methods import Method, Shown
from backend.bench.scenario import Scenario
from backend.demo.data_set import DataSet
from backend.demo.measuring import truth_of
from backend.learning import methods
from backend.loop.review.efficiency import label_efficiency
from backend.types import Head, Instance, Prediction, Quality


@dataclass(frozen=True, slots=True)
class Row:
    """Where one method stands after one round."""

    data_set: str
    method: str
    seed: int
    round: int
    """0: the first labels were drawn, nothing was mended yet."""
    frames: int
    """Frames labelled or mended so far."""
    actions: int
    """Human actions so far, those of drawing the first labels among them."""
    left: int
    """Human actions that it takes to mend all other frames as they are predicted now."""
    labels: int
    """Of the whole data set."""
    efficiency: float | None
    """1 - (actions + left) / labels."""
    measure: str
    quality: float | None
    """Of the predictions on all other frames, by the head's own measure."""
    seconds: float
    """From the last label to the predictions."""


class Replay:
    """Several methods on the same frames in the same order: that in which the first method would hand them out."""

    def __init__(
        self, data_set: DataSet, scenario: Scenario, methods: Sequence[Method], seed: int, by_score: bool
    ) -> None:
        self._data_set, self._scenario, self._methods, self._seed = data_set, scenario, methods, seed
        self._by_score, self._rng = by_score, np.random.default_rng(seed)
        self._open = set(range(len(data_set.frames)))
        self._shown: dict[str, Mapping[int, Shown]] = {method.name: {} for method in methods}
        self._actions = dict.fromkeys(self._shown, 0)
        self._labels = sum(actions([], scenario.write(frame.truth or ())) for frame in data_set.frames)
        self._round = -1

    def begin(self, labels: int) -> None:
        """Draw the first labels."""
        self._annotate(first_frames(self._data_set, labels, self._seed))

    def go_on(self, frames: int) -> bool:
        """Mend the next frames; False where none is left."""
        chosen = self._next(frames)
        self._annotate(chosen)
        return bool(chosen)

    def measured(self) -> list[Row]:
        """Have every method learn what was submitted, and say where it stands."""
        return [self._row(method, method.work()) for method in self._methods]

    def _annotate(self, positions: Sequence[int]) -> None:
        self._round += 1
        for position in positions:
            for method in self._methods:
                shown = self._shown[method.name].get(position, Shown([], 0.0)).result
                submitted = submit(self._scenario, shown, self._truth(position))
                self._actions[method.name] += actions(shown, submitted)
                method.submit(position, submitted)
        self._open -= set(positions)

    def _next(self, frames: int) -> list[int]:
        places = sorted(self._open)
        if not self._by_score:
            return [int(place) for place in self._rng.permutation(places)[:frames]]
        shown = self._shown[self._methods[0].name]
        return sorted(places, key=lambda place: shown[place].score if place in shown else -1.0)[:frames]

    def _row(self, method: Method, seconds: float) -> Row:
        self._shown[method.name] = shown = method.shown()
        done, left, labels = self._actions[method.name], self._left(shown), self._labels
        quality = self._quality(shown)
        return Row(
            self._data_set.name, method.name, self._seed, self._round,
            frames=len(self._data_set.frames) - len(self._open), actions=done, left=left, labels=labels,
            efficiency=label_efficiency(done + left, labels), measure=quality.measure, quality=quality.score,
            seconds=seconds,
        )  # fmt: skip

    def _left(self, shown: Mapping[int, Shown]) -> int:
        results = {place: shown[place].result if place in shown else [] for place in self._open}
        return sum(actions(one, submit(self._scenario, one, self._truth(place))) for place, one in results.items())

    def _quality(self, shown: Mapping[int, Shown]) -> Quality:
        places = sorted(self._open)
        found = [Prediction(p, self._scenario.read(shown[p].result) if p in shown else (), 0.0) for p in places]
        return methods.evaluate(self._data_set.head, found, [truth_of(self._data_set, p) for p in places])

    def _truth(self, position: int) -> tuple[Instance, ...]:
        return self._data_set.frames[position].truth or ()


def first_frames(data_set: DataSet, labels: int, seed: int) -> tuple[int, ...]:
    """Positions of the frames labelled first: spread evenly; of a classification so many of each class, by lot."""
    if data_set.head is not Head.CLASSIFICATION:
        return data_set.labelled(labels)
    rng, found = np.random.default_rng(seed), set[int]()
    for name in data_set.classes:
        mine = [n for n, frame in enumerate(data_set.frames) if name in {one.label for one in frame.truth or ()}]
        found |= {int(n) for n in rng.choice(mine, min(labels, len(mine)), replace=False)}
    return tuple(sorted(found))
