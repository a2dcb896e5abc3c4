"""Any number of points from a picture, as one torch module: the middles of the boxes that detection shows."""

from torch import Tensor, nn

from backend.learning.exporting.boxes import PictureToBoxes
from backend.learning.points.micro_model import as_boxes
from backend.types import Weights


class PictureToPoints(nn.Module):
    """(height, width, 3) uint8 RGB -> points (n, 2) x, y in its pixels, scores (n,) and numbers of labels (n,)."""

    def __init__(self, weights: Weights) -> None:
        super().__init__()
        self.boxes = PictureToBoxes(as_boxes(weights))

    def forward(self, image: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """As the class says."""
        boxes, scores, labels = self.boxes(image)
        return (boxes[:, :2] + boxes[:, 2:]) / 2, scores, labels
