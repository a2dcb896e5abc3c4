"""Device and number format of networks."""

import torch


def find_device(device: str) -> torch.device:
    """`auto` is CUDA where there is one."""
    if device == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    return torch.device(device)


def fastest(device: torch.device) -> torch.dtype:
    """bfloat16 where the machine computes it faster than float32."""
    ask = getattr(torch.cpu, "get_capabilities", None)  # torch 2.4 to 2.6 cannot tell
    if device.type == "cuda" or (ask is not None and ask().get("avx512_bf16")):
        return torch.bfloat16
    return torch.float32
