"""The hyper-parameters of detection: its values of the shared ones, and its own with their unit and their reason."""

from dataclasses import dataclass

from backend.learning.fitting.recipe import FittedRecipe


@dataclass(frozen=True, slots=True, kw_only=True)
class DetectionRecipe(FittedRecipe):
    """How a detection micro-model is trained."""

    crop: int = 256
    steps: int = 180
    warm_steps: int = 125
    sibling_share: float = 0.7
    """F1 of half a clip with two labels, after five in its other half, by several trainings with all steps and with half: birds
    0.641, 0.910 and 0.876, 0.870, 0.789 (from the backbone 0.605, 0.248), a fast animal 0.945, 0.964 and 0.964, 0.964 (0.627,
    0.070), people 0.997 and 1.000 (0.982)."""

    anew: bool = True
    """What was overfitted to fewer labels is a bad start for more (Ash and Adams, On warm-starting neural network training,
    2020). Measured from 15 to 25 labels, on the other frames: birds_harbour had F1 0.917 before, 0.81 and 0.90 going on from
    it, 0.918 anew; pets_s3mf1 0.970 before, 0.95 to 0.975 going on, 0.959 anew."""
    accepted_weight: float = 1.0
    """Each box has its own: the outline of one that was accepted weighs less, and that it is there is certain."""

    object_side: float = 40.0
    """Side in pixels (root of the area) that a typical object is scaled to: ten cells of stride 4."""
    largest_scale: float = 2.0
    """Upper limit of that scaling: more adds pixels, not detail."""
    frame_pixels: int = 320_000
    """Upper limit of a scaled frame, pixels: bounds the time a frame takes."""
    most_pixels: int = 1_300_000
    """The same where large frames hold objects that would be smaller than `least_side`."""
    least_side: float = 10.0
    """Side in pixels that a typical object should have, if need be at `most_pixels`. Made-up cars of 14 pixels in frames of
    3840 x 2160 have F1 0.64 at 0.3 million pixels, 0.98 at 1.3 million; of 12 in 1920 x 1080 at IoU 0.7 0.72 and 0.96."""
    object_share: float = 0.6
    """Share of crops that are centred on an object."""
    hard_share: float = 0.2
    """Share of crops centred on something that was taken for an object."""

    levels: bool = True
    """Whether the group's brightness is stretched to the whole range."""
    background: bool = True
    """Whether the difference from the background is seen, where the camera stands still."""
    linking: bool = True
    """Whether candidates are linked in time, where frames have an order and things move smoothly."""
    smoothing: bool = True
    """Whether the boxes of what is linked are smoothed in time."""
    refinement: bool = True
    """Whether boxes get a second look at the object's own scale."""
    refinement_share: float = 0.67
    """Its steps, as a share of `steps`."""
    refinement_batch: int = 12
    """Crops of one of its steps; the backbone stands still, so each costs little."""
    count_prior: bool = True
    """Whether the labelled frames tell how many objects to expect."""
    mining: bool = True
    """Whether crops are centred on what a half-trained network takes for an object (hard example mining)."""
    calibration: bool = True
    """Whether scores become probabilities by Platt scaling."""
    inexact_box_weight: float = 0.3
    """Weight of a box's sides that were predicted and accepted; of one that a person drew 1. Its
    place is right, its sides are the network's own, and learnt as if they were drawn they drift from round to round."""

    score_floor: float = 0.03
    """Candidates below this score are not even linked in time."""
    score_threshold: float = 0.2
    """Score that speaks neither for nor against a candidate; counts and neighbours in time decide then. Below
    0.5, since scores are lower on frames that were not trained on."""
    overlap: float = 0.55
    """IoU above which the weaker of two candidates of one label is dropped."""
    most_candidates: int = 100
    """Candidates a frame at most, unless the labelled frames are more crowded: bounds linking."""
