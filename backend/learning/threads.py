"""How many cores the networks may use."""

import torch


def use_threads(number: int) -> None:
    """Let every operation of this process use `number` threads."""
    torch.set_num_threads(number)
