import torch

from machinami.explain.random_networks import random_heads, random_trunk
from machinami.models import PlaceModel


def test_heads_follow_their_seed():
    one = random_heads(6, 4, seed=1)
    assert one.shape == (4, 6)
    assert torch.equal(one, random_heads(6, 4, seed=1))
    assert not torch.equal(one, random_heads(6, 4, seed=2))


def test_a_random_trunk_has_other_weights_and_calm_activations():
    torch.manual_seed(0)
    model = PlaceModel("resnet18", ["a", "b"]).eval()
    before = {name: value.clone() for name, value in model.state_dict().items()}
    images = torch.randn(8, 3, 64, 64, generator=torch.Generator().manual_seed(0))
    trunk = random_trunk(model, images, seed=3)
    assert all(torch.equal(value, model.state_dict()[name]) for name, value in before.items())
    assert not any(module.training for module in trunk.modules())
    assert not torch.allclose(trunk.network.conv1.weight, model.network.conv1.weight)
    with torch.no_grad():
        maps, again = trunk.features(images), random_trunk(model, images, seed=3).features(images)
        other = random_trunk(model, images, seed=4).features(images)
    assert torch.equal(maps, again)
    assert not torch.allclose(maps, other)
    assert torch.isfinite(maps).all()
    assert 0.01 < maps.std() < 100  # with norms of mean 0 and variance 1 they explode
