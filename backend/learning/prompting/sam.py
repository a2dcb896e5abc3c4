"""Segment Anything (Kirillov and others, 2023), from a checkpoint of the package of that name.

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
from backend.types import Frame, Mask, Prompt

DECODER_HEADS = 8
"""Attention heads of the mask decoder: every published checkpoint has so many, and no tensor tells."""
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
    """`segment_anything.modeling.Sam`."""
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
        model = _built(state, encoder).to(place).eval().requires_grad_(False)
    except ImportError as error:
        raise CheckpointError(
            "MICRO_MODELS_SAM_CHECKPOINT is set, but the package segment-anything is not installed: "
            "pip install 'micro-models[sam]'."
        ) from error
    except CheckpointError:
        raise
    except Exception as error:  # torch raises what the unpickler, the file and the shapes raise
        raise CheckpointError(
            f"The checkpoint {path} cannot be used ({type(error).__name__}: {str(error)[:200]}). Expected the state dict of a "
            "segment-anything model, such as sam_vit_b_01ec64.pth."
        ) from error
    return SegmentAnything(model, place)


def _built(state: Mapping[str, Tensor], whole: bool) -> Any:
    """The network whose sizes are those of the state dict, with its weights; where it is not whole the encoder is empty."""
    from segment_anything.modeling import ImageEncoderViT, MaskDecoder, PromptEncoder, Sam, TwoWayTransformer

    places, patch = state["image_encoder.pos_embed"], int(state["image_encoder.patch_embed.proj.weight"].shape[-1])
    grid, width = int(places.shape[1]), int(places.shape[-1])
    spans = [_span(state[key]) for key in sorted(_blocks(state), key=lambda key: int(key.split(".")[2]))]
    window = min(spans)
    channels = int(state["image_encoder.neck.0.weight"].shape[0])
    decoder = "mask_decoder.transformer.layers"
    image = ImageEncoderViT(
        img_size=grid * patch, patch_size=patch, embed_dim=width, depth=len(spans) if whole else 0, out_chans=channels,
        num_heads=width // int(state["image_encoder.blocks.0.attn.rel_pos_h"].shape[1]), use_rel_pos=True,
        window_size=0 if window == grid else window, norm_layer=_norm,
        mlp_ratio=int(state["image_encoder.blocks.0.mlp.lin1.weight"].shape[0]) / width,
        global_attn_indexes=tuple(n for n, span in enumerate(spans) if span == grid),
    )  # fmt: skip
    transformer = TwoWayTransformer(
        depth=len({key.split(".")[3] for key in state if key.startswith(decoder)}), embedding_dim=channels,
        num_heads=DECODER_HEADS, mlp_dim=int(state[f"{decoder}.0.mlp.lin1.weight"].shape[0]),
    )  # fmt: skip
    quality = "mask_decoder.iou_prediction_head.layers"
    masks = MaskDecoder(
        transformer_dim=channels, transformer=transformer,
        num_multimask_outputs=int(state["mask_decoder.mask_tokens.weight"].shape[0]) - 1,
        iou_head_depth=len({key.split(".")[3] for key in state if key.startswith(quality)}),
        iou_head_hidden_dim=int(state[f"{quality}.0.weight"].shape[0]),
    )  # fmt: skip
    prompts = PromptEncoder(
        embed_dim=channels, image_embedding_size=(grid, grid), input_image_size=(grid * patch, grid * patch),
        mask_in_chans=int(state["prompt_encoder.mask_downscaling.3.weight"].shape[0]),
    )  # fmt: skip
    model = Sam(image, prompts, masks)
    kept = {key: tensor for key, tensor in state.items() if whole or not key.startswith("image_encoder.")}
    lacking, unknown = model.load_state_dict(kept, strict=whole)
    if unknown or any(not key.startswith("image_encoder.") for key in lacking):
        raise CheckpointError(f"The checkpoint lacks {len(lacking)} tensors and has {len(unknown)} others.")
    return model


def _blocks(state: Mapping[str, Tensor]) -> list[str]:
    return [key for key in state if key.startswith("image_encoder.blocks.") and key.endswith("attn.rel_pos_h")]


def _span(positions: Tensor) -> int:
    """Side of the window that a block attends to, in patches."""
    return (int(positions.shape[0]) + 1) // 2


def _norm(width: int) -> torch.nn.LayerNorm:
    return torch.nn.LayerNorm(width, eps=1e-6)


def _score(mask: Mask, quality: float, known: Chances | None) -> float:
    """How good one of the decoder's masks is."""
    if known is None or not (known >= 0.5).any():
        return quality
    return SURE_OF_ITSELF * quality + (1 - SURE_OF_ITSELF) * iou(mask, known >= 0.5)


def _scaled(frame: Frame, side: int) -> tuple[int, int]:
    """Width and height of a frame whose longest side is as the encoder wants it."""
    scale = side / max(frame.width, frame.height)
    return max(round(frame.width * scale), 1), max(round(frame.height * scale), 1)
