import torch
from torch import nn

from backend.learning.network.clone import shallow_clone


def small() -> nn.Sequential:
    return nn.Sequential(nn.Conv2d(1, 2, 1, bias=False), nn.BatchNorm2d(2), nn.Sequential(nn.ReLU())).eval()


def test_it_says_the_same_from_the_same_memory() -> None:
    module, image = small(), torch.rand(1, 1, 4, 4)
    twin = shallow_clone(module)
    assert torch.equal(twin(image), module(image))
    places = [[t.data_ptr() for t in (*m.parameters(), *m.buffers())] for m in (module, twin)]
    assert places[0] == places[1]


def test_what_is_set_in_it_is_its_own() -> None:
    module = small()
    twin = shallow_clone(module)
    twin.requires_grad_(False).train().double()
    twin[2] = nn.Identity()
    assert all(p.requires_grad and p.dtype == torch.float32 for p in module.parameters())
    assert module[1].running_mean.dtype == torch.float32
    assert not any(part.training for part in module.modules())
    assert type(module[2][0]) is nn.ReLU


def test_hooks_see_the_parts_that_they_hang_on() -> None:
    module = small()
    module[0].register_forward_hook(Seen(module[0]))
    twin = shallow_clone(module)
    twin(torch.rand(1, 1, 4, 4))
    [hook] = twin[0]._forward_hooks.values()
    assert hook.hung_on is twin[0] is hook.called_by


class Seen:
    def __init__(self, hung_on: nn.Module) -> None:
        self.hung_on, self.called_by = hung_on, nn.Module()

    def __call__(self, module: nn.Module, *_: object) -> None:
        self.called_by = module
