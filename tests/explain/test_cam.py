"""Heatmaps against what the papers say, and against the ways in which other libraries go wrong."""

import gc
from copy import deepcopy
from itertools import product

import pytest
import torch
from torch import nn

from machinami.errors import InputError, ModelError, UsageError
from machinami.explain.cam import heatmaps
from machinami.explain.centre import centred, contrast

METHODS = ("gradcam", "hirescam", "layercam", "gradcam++")


def close(a, b, within=1e-5):
    """Equal to `within` of the largest absolute value."""
    assert a.shape == b.shape
    assert (a - b).abs().max() <= within * b.abs().max().clamp(min=1e-12)


def full_backward(model, images, *, layer):
    """Activations (N, C, h, w) and gradients (N, K, C, h, w) by a backward pass through the whole network."""
    activations = model.run_stages(images.clone().requires_grad_(), stop=layer)
    kept = activations.detach().clone()
    logits = model.classify(model.run_stages(activations.clone(), start=layer or model.stage_names()[-1]))
    gradients = [
        torch.autograd.grad(logits[:, k].sum(), activations, retain_graph=True)[0] for k in range(logits.shape[1])
    ]
    return kept, torch.stack(gradients, 1), logits.detach()


def written_from_the_paper(method, A, g):
    """One photo's map, cell by cell: A and g are (C, h, w)."""
    channels, rows, columns = A.shape
    cells = list(product(range(rows), range(columns)))
    A = [{(i, j): A[k, i, j].item() for i, j in cells} for k in range(channels)]
    g = [{(i, j): g[k, i, j].item() for i, j in cells} for k in range(channels)]
    result = dict.fromkeys(cells, 0.0)
    for k in range(channels):
        if method in ("gradcam", "gradcam++"):
            if method == "gradcam":
                weight = sum(g[k].values()) / len(cells)
            else:
                total = sum(A[k].values())
                weight = 0.0
                for cell in cells:
                    square, cube = g[k][cell] ** 2, g[k][cell] ** 3
                    alpha = square / (2 * square + total * cube) if square > 0 else 0.0
                    weight += alpha * max(g[k][cell], 0.0)
            for cell in cells:
                result[cell] += weight * A[k][cell]
        else:
            for cell in cells:
                slope = g[k][cell] if method == "hirescam" else max(g[k][cell], 0.0)
                result[cell] += slope * A[k][cell]
    found = torch.tensor([[result[i, j] for j in range(columns)] for i in range(rows)], dtype=torch.float64)
    return found if method in ("gradcam", "hirescam") else found.clamp(min=0)


@pytest.mark.parametrize("layer", [None, "stem", "middle", "last"])
@pytest.mark.parametrize("head", ["pooled", "flat", "deep"])
@pytest.mark.parametrize("method", METHODS)
def test_every_method_is_what_its_paper_says(small, images, method, head, layer):
    model = small(head, places=3).double()
    images = images[:2, :, :, :].double()
    activations, gradients, logits = full_backward(model, images, layer=layer)
    expected = torch.stack(
        [
            torch.stack([written_from_the_paper(method, A, g) for g in each])
            for A, each in zip(activations, gradients, strict=True)
        ]
    )
    found = heatmaps(model, images, method=method, layer=layer)
    close(found.maps.double(), expected, 1e-6)
    close(found.logits.double(), logits, 1e-6)
    assert found.closed_form == (head == "pooled" and layer in (None, "last"))
    assert (found.method, found.layer, found.places) == (method, layer or "last", model.places)


def test_maps_are_float32_and_signed(small, images):
    found = heatmaps(small(), images)
    assert found.maps.shape == (5, 4, 3, 3)
    assert found.logits.shape == (5, 4)
    assert found.completeness.shape == (5,)
    assert {found.maps.dtype, found.logits.dtype, found.completeness.dtype} == {torch.float32}
    assert (found.maps < 0).any()
    assert (found.maps > 0).any()


@pytest.mark.parametrize("method", ["gradcam", "hirescam"])
def test_maps_and_bias_sum_to_the_logit(small, images, method):
    model = small()
    found = heatmaps(model, images, method=method)
    with torch.no_grad():
        logits = model(images)
    assert torch.equal(found.logits, logits)
    close(found.maps.sum((2, 3)) + model.linear_head()[1].detach(), logits)
    assert found.completeness.max() < 1e-5


def test_completeness_tells_what_is_missing_elsewhere(small, images):
    model = small("flat")
    hires, plain = (heatmaps(model, images, method=method) for method in ("hirescam", "gradcam"))
    bias = model.head[-1].bias.detach()
    assert hires.completeness.max() < 1e-5  # one linear layer behind the maps: HiResCAM is complete
    missing = (plain.maps.sum((2, 3)) + bias - plain.logits).abs().amax(1)
    close(plain.completeness, missing)
    assert plain.completeness.max() > 1e-3


def test_closed_form_equals_partial_and_full_backward(small, images):
    model = small()
    closed = heatmaps(model, images)
    model.pooled = False  # says nothing about its head any more
    partial = heatmaps(model, images)
    activations, gradients, _ = full_backward(model, images, layer=None)
    full = torch.einsum("nkc,nchw->nkhw", gradients.mean((3, 4)), activations)
    assert (closed.closed_form, partial.closed_form) == (True, False)
    close(closed.maps, partial.maps)
    close(closed.maps, full)
    close(partial.completeness + 1, closed.completeness + 1)


def test_gradcam_hirescam_and_xgradcam_agree_behind_a_pooled_head(small, images):
    model = small()
    activations, gradients, _ = full_backward(model, images, layer=None)
    total = activations.sum((2, 3))[:, None]
    weight = (gradients * activations[:, None]).sum((3, 4)) / torch.where(total == 0, 1, total)  # Fu 2020, equation 8
    expected = torch.einsum("nkc,nchw->nkhw", torch.where(total == 0, 0, weight), activations)
    close(heatmaps(model, images).maps, expected)
    close(heatmaps(model, images, method="hirescam").maps, expected)


@pytest.mark.parametrize("head", ["pooled", "flat"])
def test_centred_maps_do_not_depend_on_the_gauge(small, images, head):
    model = small(head)
    moved = deepcopy(model)
    with torch.no_grad():
        moved.head[-1].weight += torch.randn(moved.head[-1].weight.shape[1], generator=torch.Generator().manual_seed(2))
    before, after = heatmaps(model, images), heatmaps(moved, images)
    close(after.logits.softmax(1), before.logits.softmax(1))
    close(centred(after.maps), centred(before.maps))
    close(contrast(after.maps, 2, 0), contrast(before.maps, 2, 0))
    assert (after.maps - before.maps).abs().max() > 0.1 * before.maps.abs().max()  # the raw ones do


def test_hirescam_sees_through_no_walls(small, images):
    model = small("flat")
    with torch.no_grad():
        model.head[-1].weight.view(4, 10, 3, 3)[:, :, 2] = 0  # the head cannot see the lowest row
    hires, plain = (heatmaps(model, images, method=method).maps for method in ("hirescam", "gradcam"))
    assert (hires[:, :, 2] == 0).all()
    assert (plain[:, :, 2] != 0).any()  # Grad-CAM paints there all the same: why HiResCAM is the choice here


def test_a_head_that_only_says_it_is_linear_is_found_out(small, images):
    honest, liar = small("deep"), small("deep")
    liar.linear_head = lambda: (torch.randn(4, 10), torch.zeros(4))
    found = heatmaps(liar, images)
    assert not found.closed_form
    close(found.maps, heatmaps(honest, images).maps)
    liar.linear_head = lambda: (torch.randn(4, 7), torch.zeros(4))  # does not even fit the maps
    close(heatmaps(liar, images).maps, heatmaps(honest, images).maps)


def state_of(model):
    gradients = [None if p.grad is None else p.grad.clone() for p in model.parameters()]
    buffers = {name: buffer.clone() for name, buffer in model.named_buffers()}
    return [m.training for m in model.modules()], gradients, buffers, [p.requires_grad for p in model.parameters()]


def same(a, b):
    return (a is None and b is None) or torch.equal(a, b)


@pytest.mark.parametrize("layer", [None, "middle"])
@pytest.mark.parametrize("head", ["pooled", "deep"])
def test_the_model_is_left_as_it_was(small, images, head, layer):
    model = small(head)
    expected = heatmaps(model, images, layer=layer).maps
    model.train()
    model.stages["stem"].eval()  # a mixture, as in fine-tuning
    model.head[-1](torch.ones(1, model.head[-1].in_features)).sum().backward()
    before = state_of(model)
    found = heatmaps(model, images, layer=layer)
    after = state_of(model)
    close(found.maps, expected)
    assert before[0] == after[0]
    assert before[3] == after[3]
    assert all(same(a, b) for a, b in zip(before[1], after[1], strict=True))
    assert any(gradient is not None for gradient in before[1])
    assert all(torch.equal(before[2][name], after[2][name]) for name in before[2])


@pytest.mark.parametrize("layer", [None, "middle"])
@pytest.mark.parametrize("head", ["pooled", "deep"])
def test_any_gradient_mode_will_do(small, images, head, layer):
    expected = heatmaps(small(head), images, layer=layer).maps
    frozen = small(head).requires_grad_(requires_grad=False)
    close(heatmaps(frozen, images, layer=layer).maps, expected)
    with torch.no_grad():
        close(heatmaps(small(head), images, layer=layer).maps, expected)
    with torch.inference_mode():
        made_inside = images * 1
        found = heatmaps(small(head), made_inside, layer=layer)  # the parameters, too, are made inside
    close(found.maps, expected)
    assert not found.maps.is_inference()
    assert not found.maps.requires_grad


@pytest.mark.parametrize("layer", [None, "middle"])
@pytest.mark.parametrize("head", ["pooled", "deep"])
def test_sums_are_float32_under_autocast(small, images, head, layer):
    expected = heatmaps(small(head), images, layer=layer)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        found = heatmaps(small(head), images, layer=layer)
    assert found.maps.dtype == torch.float32
    close(found.maps, expected.maps, 0.05)  # the trunk counts in 16 bits ...
    if head == "pooled" and layer is None:
        assert found.closed_form
        assert found.completeness.max() < 1e-5  # ... and what is made of it does not


def test_a_network_of_16_bits_is_explained(small, images):
    found = heatmaps(small().bfloat16(), images.bfloat16())
    assert found.closed_form
    assert found.maps.dtype == torch.float32
    close(found.maps, heatmaps(small(), images).maps, 0.05)


@pytest.mark.parametrize(("head", "layer"), [("pooled", None), ("deep", None), ("pooled", "middle")])
@pytest.mark.parametrize("method", METHODS)
def test_a_batch_is_so_many_single_photos(small, images, method, head, layer):
    model = small(head)
    together = heatmaps(model, images, method=method, layer=layer)
    alone = [heatmaps(model, images[i : i + 1], method=method, layer=layer) for i in range(5)]
    close(together.maps, torch.cat([one.maps for one in alone]))
    close(together.completeness + 1, torch.cat([one.completeness for one in alone]) + 1)


@pytest.mark.parametrize(("head", "layer"), [("pooled", None), ("deep", None), ("pooled", "middle")])
def test_some_places_are_part_of_all(small, images, head, layer):
    model = small(head)
    every, some = heatmaps(model, images, layer=layer), heatmaps(model, images, layer=layer, places=["c", 0])
    close(some.maps, every.maps[:, [2, 0]])
    close(some.logits, every.logits[:, [2, 0]])
    assert some.places == ("c", "a")


@pytest.mark.parametrize("method", METHODS)
def test_the_order_of_channels_does_not_matter(small, images, method):
    model = small()
    order = torch.randperm(10, generator=torch.Generator().manual_seed(3))
    turned = deepcopy(model)
    with torch.no_grad():
        _, conv, norm, _ = turned.stages["last"]
        for parameter in (conv.weight, conv.bias, norm.weight, norm.bias, norm.running_mean, norm.running_var):
            parameter.copy_(parameter[order])
        turned.head[-1].weight.copy_(turned.head[-1].weight[:, order])
    close(heatmaps(turned, images, method=method).maps, heatmaps(model, images, method=method).maps)


def test_no_evidence_is_zero_and_not_nan(small):
    model = small()
    with torch.no_grad():
        model.stages["last"][2].weight.zero_()
        model.stages["last"][2].bias.fill_(-1)  # the last ReLU lets nothing through
    for method in METHODS:
        assert (heatmaps(model, torch.randn(2, 3, 24, 24), method=method).maps == 0).all()


def test_nothing_is_kept(small, images):
    def tensors():
        gc.collect()
        return sum(issubclass(type(thing), torch.Tensor) for thing in gc.get_objects())

    model = small()
    runs = [dict(layer=layer, method=method) for layer in (None, "middle") for method in METHODS]
    for run in runs:
        heatmaps(model, images, **run)
    before = tensors()
    for _ in range(3):
        for run in runs:
            heatmaps(model, images, **run)
    assert tensors() == before
    assert not any(module._forward_hooks or module._backward_hooks for module in model.modules())


def test_what_cannot_be_is_refused(small, images):
    model = small()
    with pytest.raises(UsageError, match="no heatmap method 'scorecam': choose one of gradcam"):
        heatmaps(model, images, method="scorecam")
    with pytest.raises(ModelError, match="no stage 'layer9': it has stem, middle, last"):
        heatmaps(model, images, layer="layer9")
    with pytest.raises(InputError, match="hand in a batch"):
        heatmaps(model, images[0])
    for places in (["z"], [4], [-1], [], "ab"):
        with pytest.raises(UsageError, match="a, b, c, d"):
            heatmaps(model, images, places=places)


def test_an_error_inside_travels_and_restores_the_mode(small, images):
    model = small().train()
    model.classify = lambda maps: 1 / 0
    with pytest.raises(ZeroDivisionError):
        heatmaps(model, images)
    assert all(module.training for module in model.modules())


def test_a_head_with_in_place_work_does_not_spoil_the_maps(small, images):
    model = small("deep")
    with torch.no_grad():
        model.stages["last"][3] = nn.Identity()  # the maps are signed now, and the head's ReLU works in place
        model.head = nn.Sequential(nn.ReLU(inplace=True), *model.head)
    activations, gradients, _ = full_backward(model, images, layer=None)
    assert (activations < 0).any()
    expected = torch.einsum("nkchw,nchw->nkhw", gradients, activations)
    close(heatmaps(model, images, method="hirescam").maps, expected)
