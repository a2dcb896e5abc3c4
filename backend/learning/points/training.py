"""Overfitting a micro-model of points to the labelled frames of one group."""

from dataclasses import replace

from backend.learning.detection import training as detection
from backend.learning.fitting.trained import Trained
from backend.learning.fitting.training_input import TrainingInput
from backend.learning.points.boxes import points_to_boxes, side_of
from backend.learning.points.micro_model import as_boxes, as_points
from backend.learning.points.recipe import PointsRecipe


def train(given: TrainingInput, recipe: PointsRecipe) -> Trained:
    """As detection, with a box of the usual spacing around each point."""
    side = side_of(given.labeled)
    boxes = [points_to_boxes(one, side) for one in given.labeled]
    trained = detection.train(replace(given, labeled=boxes, start=given.start and as_boxes(given.start)), recipe)
    return replace(trained, weights=as_points(trained.weights, side))
