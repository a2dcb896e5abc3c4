import torch

from backend.learning.network.threads import use_threads


def test_zero_leaves_it_to_openmp() -> None:
    before = torch.get_num_threads()
    try:
        use_threads(before + 1)
        use_threads(0)
        assert torch.get_num_threads() == before + 1
    finally:
        use_threads(before)
