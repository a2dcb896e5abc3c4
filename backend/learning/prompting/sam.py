"""Segment Anything (Kirillov and others, 2023), from a checkpoint of the package of that name, or of MobileSAM.

The encoder takes seconds and is run once a frame, in a worker; the decoder takes milliseconds and answers each prompt
from what the encoder made.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from backend.errors import CheckpointError
from backend.learning.geometry.boxes import mask_bounds
from backend.learning.geometry.scaling import as_rgb
from backend.learning.network.device import find_device
from backend.learning.prompting.pick import Chances, iou, seeds
from backend.learning.prompting.sam_network import network_of
from backend.types import Frame, Mask, Prompt

LOADING_MEMORY_FACTOR = 3
"""Memory that loading a checkpoint takes, as a multiple of the file: read, built, and a little for one frame."""
SURE_OF_ITSELF = 0.5
"""Share that the decoder's own estimate has in the choice among its masks, where a micro-model has a say too."""

Embedding = NDArray[np.float16]
"""(channels, rows, columns): what the encoder makes of a frame."""


@dataclass(frozen=True, slots=True, eq=False)
class SegmentAnything:
    """A loaded checkpoint."""

    model: Any
    """`segment_anything.modeling.Sam`, or the one of `mobile_sam`."""
    device: torch.device

    @property
    def side(self) -> int:
        """Longest side of what the encoder sees, pixels."""
        return int(self.model.image_encoder.img_size)

    @torch.inference_mode()
    def embed(self, frame: Frame) -> Embedding:
        """What the encoder makes of a frame: seconds on a CPU."""
        pixels = cv2.resize(as_rgb(frame.image), _scaled(frame, self.side), interpolation=cv2.INTER_AREA)
        image = torch.from_numpy(np.ascontiguousarray(pixels)).permute(2, 0, 1)[None].to(self.device)
        found: Tensor = self.model.image_encoder(self.model.preprocess(image))
        return np.asarray(found[0].to("cpu", torch.float16).numpy())

    @torch.inference_mode()
    def decode(self, frame: Frame, embedding: Embedding, prompt: Prompt, known: Chances | None = None) -> Mask | None:
        """The object that is meant. The decoder offers three masks, a part, an object and more; `known` are a micro-model's
        probabilities, with which the right one agrees."""
        points, box = self._prompts(frame, prompt)
        if points is None and box is None:
            return None
        sparse, dense = self.model.prompt_encoder(points=points, boxes=box, masks=None)
        small, quality = self.model.mask_decoder(
            image_embeddings=torch.from_numpy(embedding.astype(np.float32))[None].to(self.device),
            image_pe=self.model.prompt_encoder.get_dense_pe(),
            sparse_prompt_embeddings=sparse,
            dense_prompt_embeddings=dense,
            multimask_output=True,
        )
        masks = self._full_size(frame, small)
        scores = [_score(m, float(q), known) for m, q in zip(masks, quality[0], strict=True)]
        chosen = masks[int(np.argmax(scores))]
        return chosen if chosen.any() else None

    def _prompts(self, frame: Frame, prompt: Prompt) -> tuple[tuple[Tensor, Tensor] | None, Tensor | None]:
        """Clicks with what they say, and the box, in pixels of what the encoder sees."""
        scale = np.array(_scaled(frame, self.side)) / (frame.width, frame.height)
        inside, outside = seeds(prompt, (frame.height, frame.width))
        clicks = np.concatenate([inside, outside]) + 0.5
        says = torch.tensor([[1] * len(inside) + [0] * len(outside)], device=self.device)
        drawn = prompt.box or (mask_bounds(prompt.outline) if prompt.outline is not None else None)
        points = (self._tensor(clicks * scale), says) if len(clicks) else None
        return points, None if drawn is None else self._tensor(np.array(drawn).reshape(2, 2) * scale).reshape(1, 4)

    def _tensor(self, places: NDArray[np.float64]) -> Tensor:
        return torch.from_numpy(places.astype(np.float32))[None].to(self.device)

    def _full_size(self, frame: Frame, small: Tensor) -> list[Mask]:
        """Low-resolution logits (1, n, h, w) as masks of the original frame."""
        width, height = _scaled(frame, self.side)
        large = functional.interpolate(small, (self.side, self.side), mode="bilinear")[..., :height, :width]
        whole = functional.interpolate(large, (frame.height, frame.width), mode="bilinear")
        return list((whole[0] > float(self.model.mask_threshold)).cpu().numpy())


def load(path: Path, device: str, *, encoder: bool, room: int | None = None) -> SegmentAnything:
    """The checkpoint in a file, without its encoder where that is not wanted: the decoder is a twentieth of it.

    Raises CheckpointError where it is none, or does not fit into `room` bytes.
    """
    try:
        size = path.stat().st_size
        if encoder and room is not None and LOADING_MEMORY_FACTOR * size > room:
            raise CheckpointError(
                f"The checkpoint {path.name} has {size / 1e6:,.0f} MB and needs {LOADING_MEMORY_FACTOR} times as much memory; "
                f"{room / 1e6:,.0f} MB are free. Name a smaller one with MICRO_MODELS_SAM_CHECKPOINT, such as vit_b."
            )
        state: Mapping[str, Tensor] = torch.load(path, map_location="cpu", weights_only=True, mmap=True)
        place = find_device(device)
        model = network_of(state, whole=encoder).to(place).eval().requires_grad_(False)
    except CheckpointError:
        raise
    except Exception as error:  # torch raises what the unpickler, the file and the shapes raise
        raise CheckpointError(
            f"The checkpoint {path} cannot be used ({type(error).__name__}: {str(error)[:200]}). Expected the state dict of a "
            "segment-anything model, such as sam_vit_b_01ec64.pth, or of MobileSAM."
        ) from error
    return SegmentAnything(model, place)


def _score(mask: Mask, quality: float, known: Chances | None) -> float:
    """How good one of the decoder's masks is."""
    if known is None or not (known >= 0.5).any():
        return quality
    return SURE_OF_ITSELF * quality + (1 - SURE_OF_ITSELF) * iou(mask, known >= 0.5)


def _scaled(frame: Frame, side: int) -> tuple[int, int]:
    """Width and height of a frame whose longest side is as the encoder wants it."""
    scale = side / max(frame.width, frame.height)
    return max(round(frame.width * scale), 1), max(round(frame.height * scale), 1)
