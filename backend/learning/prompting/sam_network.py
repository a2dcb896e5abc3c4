"""The network of a segment-anything checkpoint, built by the package that it is of."""

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from backend.errors import CheckpointError

DECODER_HEADS = 8
"""Attention heads of the mask decoder: every published checkpoint has so many, and no tensor tells."""
MOBILE = "image_encoder.layers."
"""Of tensors that MobileSAM's encoder has, and segment-anything's has not."""


class _NoEncoder(torch.nn.Module):
    """Stands where an encoder was: the rest asks it for the side of its images alone."""

    def __init__(self, img_size: int) -> None:
        super().__init__()
        self.img_size = img_size


def network_of(state: Mapping[str, Tensor], *, whole: bool) -> Any:
    """The network whose sizes are those of the state dict, with its weights; where it is not `whole` its encoder is empty.

    Raises CheckpointError where the package that builds it is not installed or tensors lack; LookupError, ValueError and
    RuntimeError where they are of something else.
    """
    mobile = any(key.startswith(MOBILE) for key in state)
    try:
        return _mobile(state, whole) if mobile else _plain(state, whole)
    except ImportError as error:
        if mobile:
            raise CheckpointError(
                "The checkpoint is one of MobileSAM, and the package that reads it, mobile_sam, is not installed: "
                "pip install mobilesam-mirror, or name a segment-anything checkpoint with MICRO_MODELS_SAM_CHECKPOINT."
            ) from error
        raise CheckpointError(
            "MICRO_MODELS_SAM_CHECKPOINT is set, but the package segment-anything is not installed: "
            "pip install 'micro-models[sam]'."
        ) from error


def _mobile(state: Mapping[str, Tensor], whole: bool) -> Any:
    """MobileSAM (Zhang and others, 2023): the same decoder behind a TinyViT, published in one size."""
    from mobile_sam import sam_model_registry

    model = sam_model_registry["vit_t"]()
    if not whole:
        model.image_encoder = _NoEncoder(int(model.image_encoder.img_size))
    return _filled(model, state, whole)


def _plain(state: Mapping[str, Tensor], whole: bool) -> Any:
    """A segment-anything network of any size."""
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
    return _filled(Sam(image, prompts, masks), state, whole)


def _filled(model: Any, state: Mapping[str, Tensor], whole: bool) -> Any:
    """The network with the tensors of the state dict, all of them or those behind the encoder."""
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
