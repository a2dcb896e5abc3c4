"""A segment-anything checkpoint in miniature, made with the package's own classes."""

from functools import partial
from pathlib import Path

import torch
from segment_anything.modeling import ImageEncoderViT, MaskDecoder, PromptEncoder, Sam, TwoWayTransformer

SIDE, PATCH, WIDTH, CHANNELS = 128, 16, 32, 32


def tiny_sam(seed: int = 0) -> Sam:
    torch.manual_seed(seed)
    grid = SIDE // PATCH
    encoder = ImageEncoderViT(
        img_size=SIDE, patch_size=PATCH, embed_dim=WIDTH, depth=2, num_heads=2, out_chans=CHANNELS, use_rel_pos=True,
        window_size=3, global_attn_indexes=(1,), norm_layer=partial(torch.nn.LayerNorm, eps=1e-6),
    )  # fmt: skip
    prompts = PromptEncoder(
        embed_dim=CHANNELS, image_embedding_size=(grid, grid), input_image_size=(SIDE, SIDE), mask_in_chans=16
    )
    transformer = TwoWayTransformer(depth=2, embedding_dim=CHANNELS, mlp_dim=64, num_heads=8)
    return Sam(encoder, prompts, MaskDecoder(transformer_dim=CHANNELS, transformer=transformer)).eval()


def tiny_checkpoint(path: Path, seed: int = 0) -> Path:
    torch.save(tiny_sam(seed).state_dict(), path)
    return path
