"""Multi-object tracking by detection: candidates of neighbouring frames become tracks, and tracks decide what is shown.

A pure function of boxes, scores and what a person labelled. Tracks are the best paths through the frames; they are cut where
they jump and stitched anew; their boxes are smoothed, and gaps are filled. A person's keyframes keep their identity: the
track of an object goes through all of them, and through those of no other one.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from backend.learning.tracking.detections import Detections, Ints, with_keyframes
from backend.learning.tracking.graph import Prior, build_graph
from backend.learning.tracking.identities import fix_identities, path_identity
from backend.learning.tracking.rules import TrackerRules
from backend.learning.tracking.stitching import stitch
from backend.learning.tracking.tracklets import Tracklet, to_tracklets

CountPrior = Callable[[Sequence[float]], Prior]
"""Says of frames at these orders how many objects to expect."""


@dataclass(frozen=True, slots=True)
class Tracker:
    """Links the detections of one label."""

    rules: TrackerRules = TrackerRules()  # noqa: RUF009

    def link(
        self, frames: Sequence[Detections], anchors: Sequence[Detections], prior: CountPrior, *, film: bool = True
    ) -> list[Tracklet]:
        """The tracks through these frames, which may come in any order.

        `anchors` are frames that a person labelled, at other times, and keyframes of single objects (not `complete`). Where
        the frames are no film, each is judged by itself, and anchors say nothing.
        """
        if not film:
            alone = [replace(frame, order=float(n)) for n, frame in enumerate(frames)]
            return self._tracked(alone, prior, replace(self.rules, max_gap=0, track_cost=0.0))
        merged = _merged(frames, anchors, self.rules)
        in_time = np.argsort([frame.order for frame in merged], kind="stable")
        tracklets = self._tracked([merged[i] for i in in_time], prior, self.rules)
        return [_of_frames(tracklet, in_time, len(frames)) for tracklet in tracklets]

    def _tracked(self, frames: Sequence[Detections], prior: CountPrior, rules: TrackerRules) -> list[Tracklet]:
        graph = build_graph(frames, prior([frame.order for frame in frames]), rules)
        fix_identities(graph)
        graph.relax(0, len(frames))
        paths = stitch(graph, graph.best_paths())
        return to_tracklets(frames, paths, [path_identity(graph, path) for path in paths], rules)


def _merged(frames: Sequence[Detections], anchors: Sequence[Detections], rules: TrackerRules) -> list[Detections]:
    """The frames, with the keyframes drawn in them, and after them the anchors at other times."""
    keyframes = {anchor.order: anchor for anchor in anchors}
    shared = {frame.order for frame in frames} & keyframes.keys()
    own = [with_keyframes(f, keyframes[f.order], rules.keyframe_iou) if f.order in shared else f for f in frames]
    return [*own, *(anchor for anchor in anchors if anchor.order not in shared)]


def _of_frames(tracklet: Tracklet, in_time: Ints, count: int) -> Tracklet:
    """The tracklet in the first `count` of the frames that were put in order, by their own indices."""
    asked = in_time[tracklet.frames] < count
    return replace(
        tracklet,
        frames=in_time[tracklet.frames][asked],
        boxes=tracklet.boxes[asked],
        scores=tracklet.scores[asked],
        candidates=tracklet.candidates[asked],
    )
