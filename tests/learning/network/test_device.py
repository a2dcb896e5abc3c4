import pytest
import torch

from backend.learning.network.device import fastest, find_device


def test_devices() -> None:
    assert find_device("cpu").type == "cpu"
    assert find_device("auto").type == ("cuda" if torch.cuda.is_available() else "cpu")


@pytest.mark.parametrize(
    ("able", "dtype"), [({}, torch.float32), ({"avx512_bf16": False}, torch.float32), ({"avx512_bf16": True}, torch.bfloat16)]
)  # fmt: skip
def test_a_processor_computes_in_what_it_is_fast_at(
    able: dict[str, bool], dtype: torch.dtype, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: able, raising=False)
    assert fastest(torch.device("cpu")) == dtype
    assert fastest(torch.device("cuda")) == torch.bfloat16


def test_an_older_torch_cannot_tell(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(torch.cpu, "get_capabilities", raising=False)
    assert fastest(torch.device("cpu")) == torch.float32
