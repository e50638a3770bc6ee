import torch

from machinami.explain.closed_form import closed_form


def test_sums_of_16_bit_maps_run_in_32():
    activations = torch.rand(2, 512, 7, 7, generator=torch.Generator().manual_seed(0)).bfloat16()
    weight = torch.randn(3, 512, generator=torch.Generator().manual_seed(1)).bfloat16()
    exact = torch.einsum("kc,nchw->nkhw", weight.double(), activations.double()) / 49
    found = closed_form(activations, weight)
    assert found.dtype == torch.float32
    assert (found - exact).abs().max() < 1e-5 * exact.abs().max()


def test_64_bits_stay():
    assert closed_form(torch.rand(1, 4, 2, 2).double(), torch.rand(3, 4).double()).dtype == torch.float64


def test_channels_last_makes_no_difference():
    activations = torch.randn(2, 16, 5, 4, generator=torch.Generator().manual_seed(0))
    weight = torch.randn(3, 16, generator=torch.Generator().manual_seed(1))
    for method in ("gradcam", "hirescam", "layercam", "gradcam++"):
        usual = closed_form(activations, weight, method=method)
        last = closed_form(activations.contiguous(memory_format=torch.channels_last), weight, method=method)
        torch.testing.assert_close(usual, last)


def test_a_denominator_of_zero_weighs_nothing():
    # mean A = −1 and w = 2 make 2 + w · mean A = 0
    assert (closed_form(-torch.ones(1, 1, 2, 2), torch.full((1, 1), 2.0), method="gradcam++") == 0).all()
