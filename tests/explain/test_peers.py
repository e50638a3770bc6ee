"""The same networks and photos through grad-cam and captum, before they normalise: the maps are the same."""

import numpy as np
import pytest
import torch

from machinami.explain.cam import heatmaps
from machinami.models import PlaceModel
from machinami.models.weights import load_weights

WITHIN = 1e-5  # of the map's largest value
BACKBONES = ("resnet18", "resnet50", "efficientnet-lite0")
PLACE = 2


@pytest.fixture(scope="module", params=BACKBONES)
def model(request):
    torch.manual_seed(0)
    model = PlaceModel(request.param, ["a", "b", "c"])
    if request.param == "efficientnet-lite0":
        load_weights(model.network, request.param)
    else:
        for module in model.modules():
            if isinstance(module, torch.nn.BatchNorm2d):  # as after training: nothing at its starting value
                torch.nn.init.uniform_(module.weight, 0.5, 1.0)
                torch.nn.init.normal_(module.bias, 0, 0.1)
                module.running_var.fill_(2.0)
    return model.eval()


@pytest.fixture
def photos():
    return torch.randn(2, 3, 64, 64, generator=torch.Generator().manual_seed(5))


def layers_of(model):
    """The last stage and two inner ones, with the dtype that each is compared in."""
    names = model.stage_names()
    return [(names[-1], torch.float32), (names[-2], torch.float64), (names[len(names) // 2], torch.float64)]


def differ(ours, theirs, *, relu=False):
    return np.abs(ours - (np.maximum(theirs, 0) if relu else theirs)).max() / np.abs(theirs).max()


def test_equal_to_grad_cam(model, photos):
    grad_cam = pytest.importorskip("pytorch_grad_cam")
    targets = [grad_cam.utils.model_targets.ClassifierOutputTarget(PLACE)] * len(photos)
    kinds = {"gradcam": grad_cam.GradCAM, "hirescam": grad_cam.HiResCAM, "layercam": grad_cam.LayerCAM}
    for layer, dtype in layers_of(model):
        model.to(dtype)
        target = model.stage_modules(layer)[-1]
        for method, kind in kinds.items():
            with kind(model, [target]) as cam:
                cam(photos.to(dtype), targets)
                (activations,), (gradients,) = (
                    cam.activations_and_grads.activations,
                    cam.activations_and_grads.gradients,
                )
                theirs = cam.get_cam_image(photos, target, targets, activations.numpy(), gradients.numpy(), False)
            ours = heatmaps(model, photos.to(dtype), method=method, layer=layer, places=[PLACE]).maps[:, 0].numpy()
            assert differ(ours, theirs, relu=method == "layercam") < WITHIN, (layer, method)
    model.float()


def test_equal_to_captum(model, photos):
    attr = pytest.importorskip("captum.attr")
    for layer, dtype in layers_of(model):
        model.to(dtype)
        cam = attr.LayerGradCam(model, model.stage_modules(layer)[-1])
        theirs = cam.attribute(photos.to(dtype), target=PLACE).detach()[:, 0].numpy()
        ours = heatmaps(model, photos.to(dtype), layer=layer, places=[PLACE]).maps[:, 0].numpy()
        assert differ(ours, theirs) < WITHIN, layer
    model.float()
