"""Classification from a picture to the classes of the whole frame, as one torch module."""

import torch
from torch import Tensor, nn

from backend.learning.classification.features import MAP_STRIDES, SALIENCY_EXPONENT
from backend.learning.classification.micro_model import SHOWN_MIN_PROBABILITY, ClassificationConfig
from backend.learning.exporting.resizing import resized, size_of
from backend.learning.network.backbone import Backbone
from backend.types import Weights


class PictureToClasses(nn.Module):
    """(height, width, 3) uint8 RGB -> scores (n,) and numbers of labels (n,): of the classes that the frame has."""

    def __init__(self, weights: Weights) -> None:
        super().__init__()
        self.config = ClassificationConfig.from_metadata(weights.metadata)
        self.backbone = Backbone(self.config.backbone, MAP_STRIDES)
        self.backbone.freeze(("",))
        self.backbone.freeze_for_inference(torch.float32)
        arrays = {name: torch.from_numpy(array.astype("float32")) for name, array in weights.arrays.items()}
        self.usual = [(arrays[f"usual.{stride}.mean"], arrays[f"usual.{stride}.spread"]) for stride in MAP_STRIDES]
        self.weights, self.bias = arrays["weights"].double(), arrays["bias"].double()

    def forward(self, image: Tensor) -> tuple[Tensor, Tensor]:
        """As the class says."""
        target = torch.tensor(self.config.size, dtype=torch.float64)
        pixels = resized(image.permute(2, 0, 1).float() / 255, size_of(image), target)
        height, width = self.config.size
        fine, *others = self.backbone(pixels.reshape(1, 3, height, width))
        vector = [_posture(fine[0], *self.usual[0])]
        vector += [_saliency(maps[0], *usual) for maps, usual in zip(others, self.usual[1:], strict=True)]
        odds = torch.cat(vector).double() @ self.weights + self.bias
        numbers = torch.arange(len(self.bias))
        if self.config.single:
            chances = torch.softmax(odds.float(), 0)
            shown = (numbers == torch.argmax(chances)) & (numbers < len(self.config.labels))
        else:
            chances = torch.sigmoid(odds.float())
            shown = chances >= SHOWN_MIN_PROBABILITY
        labels = torch.nonzero(shown)[:, 0]
        return chances[labels], labels


def _saliency(maps: Tensor, mean: Tensor, spread: Tensor) -> Tensor:
    """Of (channels, h, w), as `features.vectors` has it: (2 channels,)."""
    difference = (maps - mean) / spread[:, None, None]
    weight = _weight(difference)
    return torch.cat([_mean(difference, weight), _mean(maps, weight)])


def _posture(maps: Tensor, mean: Tensor, spread: Tensor) -> Tensor:
    """Of (channels, h, w), as `features.vectors` has it: (3 channels,)."""
    difference = (maps - mean) / spread[:, None, None]
    weight = _weight(difference)
    height, width = mean.shape[1:]
    places = torch.arange(width).float()[None], torch.arange(height).float()[:, None]
    away = [place - (weight * place).sum() for place in places]
    size = torch.sqrt(((weight * away[0] ** 2).sum() + (weight * away[1] ** 2).sum()) / 2) + 0.5
    centred = maps - _mean(maps, weight)[:, None, None]
    return torch.cat([*(_mean(centred, weight * one / size) for one in away), _mean(difference, weight)])


def _weight(difference: Tensor) -> Tensor:
    """(h, w) share of each place in what is unusual."""
    weight = (difference**2).mean(0) ** (SALIENCY_EXPONENT / 2)
    return weight / (weight.sum() + 1e-6)


def _mean(maps: Tensor, weight: Tensor) -> Tensor:
    return (maps * weight).sum((1, 2))
