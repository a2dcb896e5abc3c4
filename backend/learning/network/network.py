"""The one network shape of all heads: backbone -> pyramid -> head."""

import copy
from collections.abc import Mapping, Sequence
from typing import Any, Generic, Self, TypeVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from backend.errors import WeightsUnusable
from backend.learning.geometry.scaling import COLOUR_CHANNELS, to_batch
from backend.learning.network.backbone import FEATURE_STRIDES, Backbone
from backend.learning.network.device import fastest
from backend.learning.network.pyramid import Pyramid
from backend.types import State

EXTRA_CHANNELS_GAIN = 8.0
"""Of these others, beside the backbone's features."""
LOOKED_AT = 4
"""Frames that fresh projections are fitted to: more tell nothing new."""

HeadModule = TypeVar("HeadModule", bound=nn.Module)


class Network(nn.Module, Generic[HeadModule]):
    """Scaled frames in, the head's raw output at stride 4 out."""

    def __init__(self, backbone: Backbone, pyramid: Pyramid, head: HeadModule) -> None:
        super().__init__()
        self.backbone, self.pyramid, self.head = backbone, pyramid, head
        self.to(memory_format=torch.channels_last)

    def forward(self, images: Tensor) -> Tensor:
        """(batch, 3, h, w) RGB in [0, 1], sides multiples of 16 -> (batch, channels, h / 4, w / 4)."""
        out: Tensor = self.head(self.pyramid(self.features(images)))
        return out

    def features(self, images: Tensor) -> list[Tensor]:
        """What the pyramid is given: one tensor a stride."""
        seen = self.backbone(images[:, :COLOUR_CHANNELS])
        if images.shape[1] > COLOUR_CHANNELS:
            more = images[:, COLOUR_CHANNELS:] * EXTRA_CHANNELS_GAIN
            seen = [
                torch.cat([own, functional.avg_pool2d(more, s)], 1)
                for own, s in zip(seen, FEATURE_STRIDES, strict=True)
            ]
        return [feature.to(self.dtype) for feature in seen]

    @property
    def dtype(self) -> torch.dtype:
        """Number format that pyramid and head compute in."""
        return next(self.pyramid.parameters()).dtype

    @property
    def device(self) -> torch.device:
        """Where it computes."""
        return next(self.pyramid.parameters()).device

    def prepare(self, images: Sequence[Tensor]) -> None:
        """Make a fresh network ready to be trained on images of (3, h, w) uint8: its projections fit their features."""
        self.backbone.freeze_for_inference(fastest(self.device))
        if images:
            with torch.no_grad():
                self.pyramid.standardize(self.features(to_batch(images[:LOOKED_AT])))

    def inference_copy(self) -> Self:
        """A copy for prediction only, which does not learn what this one learns from now on."""
        return copy.deepcopy(self).freeze_for_inference()

    def freeze_for_inference(self) -> Self:
        """Make this network one for prediction only, in the number format that is fastest where it computes."""
        dtype = fastest(self.device)
        self.backbone.freeze_for_inference(dtype, whole=True)
        for name, part in self.named_children():
            if name != "backbone":
                part.to(dtype)
        return self.eval().requires_grad_(False)

    def own_parameters(self) -> dict[str, nn.Parameter]:
        """What differs from the shared backbone, by name."""
        frozen = tuple(f"backbone.body.{prefix}" for prefix in self.backbone.frozen)
        return {name: p for name, p in self.named_parameters() if not (frozen and name.startswith(frozen))}

    def own_state(self) -> State:
        """The same as float16 arrays: what an artifact holds."""
        own = self.own_parameters()
        return {name: p.detach().to("cpu", torch.float16).contiguous().numpy() for name, p in own.items()}

    @torch.no_grad()
    def take_state(self, arrays: Mapping[str, NDArray[Any]]) -> None:
        """Fill in what `own_state` gave; a tensor of another shape or name raises WeightsUnusable."""
        own = dict(self.named_parameters())
        for name, array in arrays.items():
            if name not in own or tuple(own[name].shape) != tuple(array.shape):
                found = f"{name} of shape {tuple(array.shape)}"
                wanted = tuple(own[name].shape) if name in own else "no such tensor"
                raise WeightsUnusable(f"The weights hold {found}, the network has {wanted}: train this group again.")
            own[name].copy_(torch.from_numpy(np.array(array, dtype=np.float32)))
