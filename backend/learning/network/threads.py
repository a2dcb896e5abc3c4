"""How many cores the networks may use."""

import torch


def use_threads(number: int) -> None:
    """Let every operation of this process use `number` threads; 0: what OMP_NUM_THREADS says, else one for each core."""
    if number:
        torch.set_num_threads(number)
