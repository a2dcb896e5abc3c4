"""A micro-model's network in float32, the format that every runtime has."""

from typing import Any, TypeVar

import torch

from backend.learning.network.micro_model import ModelConfig
from backend.learning.network.network import Network
from backend.types import Weights

Net = TypeVar("Net", bound=Network[Any])


def in_float32(config: ModelConfig[Net], weights: Weights) -> Net:
    """With the weights of an artifact; raises WeightsUnusable where they are not those of the config."""
    network = config.build()
    network.take_state(weights.arrays)
    network.backbone.freeze_for_inference(torch.float32, whole=True)
    return network.float().eval().requires_grad_(False)
