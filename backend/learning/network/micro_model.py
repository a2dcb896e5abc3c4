"""Base of all trained micro-models: a network with its weights, and the config that it is built by."""

from dataclasses import dataclass
from typing import Any, Generic, Protocol, TypeVar

import torch
from torch import nn

from backend.errors import WeightsUnusable
from backend.learning.network.backbone import SharedConv
from backend.learning.network.network import Network
from backend.types import Weights

Net = TypeVar("Net", bound=Network[Any])
Net_co = TypeVar("Net_co", bound=Network[Any], covariant=True)


class ModelConfig(Protocol[Net_co]):
    """What a network is built by."""

    @property
    def labels(self) -> tuple[str, ...]:
        """The label set, in the labeling config's order."""
        ...

    def build(self) -> Net_co:
        """The network with the backbone's weights, and all else fresh."""
        ...


Plan = TypeVar("Plan", bound=ModelConfig[Any])


@dataclass(frozen=True, slots=True, eq=False)
class NetworkModel(Generic[Net, Plan]):
    """A network of one group. Immutable: may be used from several threads at once."""

    network: Net
    config: Plan
    device: torch.device

    @property
    def nbytes(self) -> int:
        """Memory that its own weights take, bytes."""
        return nbytes_of(self.network)

    @property
    def labels(self) -> tuple[str, ...]:
        """The label set, in the labeling config's order."""
        return self.config.labels


def nbytes_of(module: nn.Module) -> int:
    """Memory that weights and buffers take, bytes, without the layers that all networks share."""
    own = [part for part in module.modules() if not isinstance(part, SharedConv)]
    held = [t for part in own for t in (*part.parameters(recurse=False), *part.buffers(recurse=False))]
    return sum(tensor.numel() * tensor.element_size() for tensor in held)


def restored(config: ModelConfig[Net], weights: Weights, device: torch.device) -> Net:
    """The network of an artifact, ready to predict; raises WeightsUnusable where the weights are not those of the config."""
    network = config.build().to(device)
    network.prepare(())
    lacking = network.own_parameters().keys() - weights.arrays.keys()
    if lacking:
        raise WeightsUnusable(
            f"The weights lack {len(lacking)} tensors, {min(lacking)} among them: train this group again."
        )
    network.take_state(weights.arrays)
    return network.freeze_for_inference()
