import pytest
import torch
from timm.layers import BatchNormAct2d
from torch import nn

from machinami.explain.cam import heatmaps
from machinami.models import PlaceModel
from machinami.models.folding import fold_batch_norm


def trained_looking(model):
    """Norms and biases away from their starting values, as training leaves them."""
    generator = torch.Generator().manual_seed(4)
    for module in model.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.running_mean.normal_(0, 0.1, generator=generator)
            module.running_var.uniform_(0.5, 2, generator=generator)
            with torch.no_grad():
                module.weight.uniform_(0.5, 1, generator=generator)
                module.bias.normal_(0, 0.1, generator=generator)
    return model.eval()


def norms(model):
    return sum(isinstance(module, nn.BatchNorm2d) for module in model.modules())


@pytest.mark.parametrize("backbone", ["resnet18", "resnet50", "efficientnet-lite0"])
def test_the_copy_gives_the_same_answers_without_norms(backbone):
    torch.manual_seed(0)
    model = trained_looking(PlaceModel(backbone, ["a", "b", "c"]))
    images = torch.randn(2, 3, 64, 64, generator=torch.Generator().manual_seed(1))
    folded = fold_batch_norm(model, size_px=64)
    before, after = heatmaps(model, images), heatmaps(folded, images)
    assert norms(model) > 0 == norms(folded)
    assert (after.maps - before.maps).abs().max() < 1e-4 * before.maps.abs().max()
    assert (after.logits - before.logits).abs().max() < 1e-4 * before.logits.abs().max()
    for layer in model.stage_names():  # the stages are still there, and give the same
        whole, fast = (m.run_stages(images, stop=layer) for m in (model, folded))
        assert (whole - fast).abs().max() < 1e-4 * whole.abs().max()


def test_the_original_is_untouched():
    model = trained_looking(PlaceModel("resnet18", ["a", "b"])).train()
    before = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    folded = fold_batch_norm(model, size_px=64)
    assert all(torch.equal(before[name], tensor) for name, tensor in model.state_dict().items())
    assert model.training
    assert all(parameter.requires_grad for parameter in model.parameters())
    assert not folded.training
    assert not any(parameter.requires_grad for parameter in folded.parameters())
    assert folded.network.layer1[0].conv1.weight.is_contiguous(memory_format=torch.channels_last)
    assert not any(module._forward_hooks for network in (model, folded) for module in network.modules())


class Odd(nn.Module):
    """A norm that can be folded, one whose convolution is read twice, one that runs twice, one behind a sum."""

    def __init__(self):
        super().__init__()
        self.a, self.a_norm = nn.Conv2d(3, 4, 3), BatchNormAct2d(4)
        self.b, self.b_norm = nn.Conv2d(4, 4, 1), nn.BatchNorm2d(4)
        self.c, self.c_norm = nn.Conv2d(4, 4, 1), nn.BatchNorm2d(4)
        self.d_norm = nn.BatchNorm2d(4)

    def forward(self, x):
        x = self.a_norm(self.a(x))
        b = self.b(x)
        x = self.b_norm(b) + (b if self.reads_twice else 0)
        x = self.c_norm(self.c(self.c_norm(self.c(x))))
        return self.d_norm(x + 1).mean((2, 3))

    reads_twice = False


def test_only_what_is_safe_is_folded():
    torch.manual_seed(0)
    model = trained_looking(Odd())
    folded = fold_batch_norm(model, size_px=64)
    kinds = [type(getattr(folded, name)) for name in ("a_norm", "b_norm", "c_norm", "d_norm")]
    assert kinds == [nn.ReLU, nn.Identity, nn.BatchNorm2d, nn.BatchNorm2d]
    images = torch.randn(2, 3, 16, 16)
    torch.testing.assert_close(folded(images), model(images), rtol=1e-4, atol=1e-5)


def test_a_copy_that_would_differ_comes_back_unfolded():
    torch.manual_seed(0)
    model = trained_looking(Odd())
    model.reads_twice = True
    folded = fold_batch_norm(model, size_px=64)
    assert norms(folded) == norms(model)
    images = torch.randn(2, 3, 16, 16)
    torch.testing.assert_close(folded(images), model(images), rtol=1e-4, atol=1e-5)
