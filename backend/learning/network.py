"""The one network shape of all heads: backbone -> pyramid -> head."""

import copy
from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from backend.errors import TrainingError
from backend.learning.backbone import Backbone
from backend.learning.heads.detection import DetectionHead
from backend.learning.pyramid import Pyramid
from backend.types import State


class Network(nn.Module):
    """Scaled frames in, the head's raw output at stride 4 out."""

    def __init__(self, backbone: Backbone, pyramid: Pyramid, head: DetectionHead) -> None:
        super().__init__()
        self.backbone, self.pyramid, self.head = backbone, pyramid, head
        self.to(memory_format=torch.channels_last)

    def forward(self, images: Tensor) -> Tensor:
        """(batch, 3, h, w) RGB in [0, 1], sides multiples of 16 -> (batch, channels, h / 4, w / 4)."""
        out: Tensor = self.head(self.pyramid([f.to(self.dtype) for f in self.backbone(images)]))
        return out

    @property
    def dtype(self) -> torch.dtype:
        """Number format that pyramid and head compute in."""
        return next(self.pyramid.parameters()).dtype

    def settled(self, dtype: torch.dtype) -> "Network":
        """A copy for prediction only, in this number format."""
        settled = copy.deepcopy(self).eval().requires_grad_(False)
        settled.backbone.settle(dtype)
        settled.pyramid.to(dtype)
        settled.head.to(dtype)
        return settled

    def own_state(self) -> State:
        """What differs from the shared backbone, as float16 arrays: what an artifact holds."""
        frozen = tuple(f"backbone.body.{prefix}" for prefix in self.backbone.frozen)
        kept = {name: p for name, p in self.named_parameters() if not (frozen and name.startswith(frozen))}
        return {name: p.detach().to("cpu", torch.float16).contiguous().numpy() for name, p in kept.items()}

    @torch.no_grad()
    def take_state(self, arrays: Mapping[str, NDArray[Any]]) -> None:
        """Fill in what `own_state` gave; a tensor of another shape or name raises TrainingError."""
        own = dict(self.named_parameters())
        for name, array in arrays.items():
            if name not in own or tuple(own[name].shape) != tuple(array.shape):
                found = f"{name} of shape {tuple(array.shape)}"
                wanted = tuple(own[name].shape) if name in own else "no such tensor"
                raise TrainingError(f"The weights hold {found}, the network has {wanted}: train this group again.")
            own[name].copy_(torch.from_numpy(np.array(array, dtype=np.float32)))
