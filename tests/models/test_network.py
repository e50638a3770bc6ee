import pytest
import torch
import torch.nn.functional as F

from machinami.errors import ConfigError, ModelError
from machinami.models.network import PlaceModel

BACKBONES = ["resnet18", "efficientnet-lite0", "mobilenetv3_small_050"]


@pytest.fixture(scope="module", params=BACKBONES)
def model(request):
    torch.manual_seed(0)
    return PlaceModel(request.param, ("a", "b", "c")).eval()


@pytest.fixture
def images():
    return torch.randn(2, 3, 64, 64, generator=torch.Generator().manual_seed(1))


def test_forward_is_features_then_classify(model, images):
    with torch.no_grad():
        maps = model.features(images)
        assert maps.shape[:1] + maps.shape[2:] == (2, 2, 2)
        assert torch.equal(model(images), model.classify(maps))
        assert torch.allclose(model(images), model.network(images), atol=1e-6)


def test_the_stages_one_after_the_other_are_the_features(model, images):
    with torch.no_grad():
        whole = model.features(images)
        assert torch.allclose(model.run_stages(images), whole, atol=1e-5)
        for cut in model.stage_names():
            halves = model.run_stages(model.run_stages(images, stop=cut), start=cut)
            assert torch.allclose(halves, whole, atol=1e-5)


def test_a_pooled_linear_head_is_what_it_says(model, images):
    head = model.linear_head()
    if head is None:
        assert model.backbone == "mobilenetv3_small_050"
        return
    weight, bias = head
    with torch.no_grad():
        maps = model.features(images)
        assert torch.allclose(maps.mean(dim=(2, 3)) @ weight.T + bias, model.classify(maps), atol=1e-5)


def test_pool_is_what_the_classifier_sees(model, images):
    with torch.no_grad():
        maps = model.features(images)
        assert torch.allclose(model.classifier(model.pool(maps)), model.classify(maps), atol=1e-6)


def test_images_are_standardised_channel_by_channel(model, images):
    standard = model.standardise(images)
    for c in range(3):
        assert torch.allclose(standard[:, c] * model.std[c] + model.mean[c], images[:, c], atol=1e-5)


def test_probabilities_are_calibrated(resnet):
    logits = torch.tensor([[2.0, 0.0, -1.0]])
    resnet.temperature = 2.0
    try:
        assert torch.allclose(resnet.probabilities(logits), F.softmax(logits / 2, dim=1))
    finally:
        resnet.temperature = 1.0


def test_an_unknown_stage_names_the_known_ones(resnet):
    with pytest.raises(ModelError, match=r"no stage 'layer9': it has stem, layer1"):
        resnet.run_stages(torch.zeros(1, 3, 64, 64), stop="layer9")


def test_an_unknown_backbone_names_near_ones():
    with pytest.raises(ConfigError, match=r"did you mean .*resnet18"):
        PlaceModel("resnet_18", ("a", "b"))


def test_a_network_without_maps_is_refused():
    model = PlaceModel("vit_tiny_patch16_224", ("a", "b")).eval()
    with pytest.raises(ModelError, match="convolutional backbone"), torch.no_grad():
        model.features(torch.zeros(1, 3, 224, 224))


@pytest.mark.parametrize(
    ("backbone", "size_px"),
    [("vit_tiny_patch16_224", 224), ("vit_tiny_patch16_224", 64), ("swin_tiny_patch4_window7_224", 224)],
)
def test_a_network_without_maps_is_found_out_at_any_size(backbone, size_px):
    model = PlaceModel(backbone, ("a", "b")).eval()
    with pytest.raises(ModelError, match="convolutional backbone"):
        model.check_size(size_px)


def test_a_network_with_maps_passes(model):
    model.check_size(64)
