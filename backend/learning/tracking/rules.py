"""Every knob of the tracker, in one place."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class TrackerRules:
    """What links detections into tracks.

    Costs and gains are in log odds. Distances are in sides of the object: the root of its area.
    """

    score_threshold: float = 0.2
    """Score that earns nothing; lower ones cost, higher ones earn."""
    max_gain: float = 4.0
    """Most that one detection earns or costs: no score is certain."""
    anchor_gain: float = 8.0
    """What a box earns that a person vouches for."""
    prior_weight: float = 0.7
    """Of the count prior against the scores."""
    track_cost: float = 3.0
    """Of starting and ending a track together: what a flicker must overcome."""

    max_gap: int = 6
    """Most frames from one detection of a track to the next; more is another object, or the same one without a trace."""
    gap_cost: float = 1.5
    """Of each frame that a track jumps over."""
    gap_score: float = 0.5
    """Score of a box that fills such a frame, as a share of the weaker end's."""
    typical_motion: float = 0.25
    """From frame to frame, with the detector's noise; in sides."""
    motion_weight: float = 1.0
    """Of the cost of motion, which grows with the logarithm: sudden moves are rare, not impossible."""
    size_weight: float = 3.0
    """Cost of a change of size by a factor e."""
    max_speed: float = 8.0
    """Typical motions a frame from which two detections are never linked."""
    duplicate_distance: float = 0.25
    """Between centres, in sides, below which two detections show one object."""

    cut_cost: float = 1.5
    """Of a step from which a track is cut into tracklets, as it is at each gap: about half of the object's side."""
    stitch_window: int = 20
    """Frames over which tracklets are stitched."""
    stitch_gain: float = 6.0
    """Of stitching two tracklets rather than leaving them alone: most gaps are misses."""

    keyframe_max_gap: int = 25
    """As `max_gap`, between two keyframes of one object: that it is the same one is certain."""
    keyframe_iou: float = 0.4
    """With a keyframe's box, from which a detection in the same frame shows the same object."""

    smooth: bool = True
    """Whether boxes are smoothed, or shown as they were seen."""
    box_noise: float = 0.04
    """Deviation of a detector's box from the truth, in sides."""
    max_position_lambda: float = 4.0
    """Most that smoothness weighs for the position."""
    max_size_lambda: float = 80.0
    """The same for the size, which changes less."""
    cauchy_scale: float = 0.15
    """Acceleration from which the penalty gives way, in sides: twice what noise alone makes."""
    drawn_weight: float = 100.0
    """How firmly a box is believed that a person drew; one that the detector saw has 1, whoever accepted it."""
    gap_weight: float = 0.01
    """The same for a box that fills a gap."""
