import numpy as np
import torch
from hypothesis import given
from hypothesis import strategies as st

from machinami.explain.upsample import pool_mask, pooling_matrix, upsample

sizes = st.tuples(st.integers(1, 8), st.integers(1, 8))
pixels = st.tuples(st.integers(1, 60), st.integers(1, 60))
seeds = st.integers(0, 2**31)


@given(sizes, pixels, seeds)
def test_upsampling_is_torchs_half_pixel_bilinear(cells, shape, seed):
    maps = np.random.default_rng(seed).normal(size=(2, *cells)).astype(np.float32)
    expected = torch.nn.functional.interpolate(
        torch.from_numpy(maps)[None], size=shape, mode="bilinear", align_corners=False
    )
    np.testing.assert_allclose(upsample(maps, height=shape[0], width=shape[1]), expected[0].numpy(), atol=1e-5)


@given(sizes, st.tuples(st.integers(1, 9), st.integers(1, 9)), seeds)
def test_whole_factors_keep_the_mass(cells, factors, seed):
    maps = np.random.default_rng(seed).normal(size=cells).astype(np.float32)
    grown = upsample(maps, height=cells[0] * factors[0], width=cells[1] * factors[1], keep_sum=True)
    np.testing.assert_allclose(grown.sum(dtype=float), maps.sum(dtype=float), atol=1e-4)


def test_other_factors_nearly_keep_it():
    maps = np.random.default_rng(0).normal(size=(7, 7)).astype(np.float32) + 1
    grown = upsample(maps, height=333, width=500, keep_sum=True)
    assert abs(grown.sum(dtype=float) / maps.sum(dtype=float) - 1) < 1e-3


@given(sizes, pixels, seeds)
def test_pooling_is_the_adjoint_of_upsampling(cells, shape, seed):
    rng = np.random.default_rng(seed)
    m, s = rng.normal(size=cells), rng.normal(size=shape)
    down, across = pooling_matrix(cells[0], shape[0]), pooling_matrix(cells[1], shape[1])
    grown = upsample(m.astype(np.float32), height=shape[0], width=shape[1])
    np.testing.assert_allclose((grown * s).sum(), (m * (down @ s @ across.T)).sum(), rtol=1e-3, atol=1e-3)


@given(sizes, pixels, seeds)
def test_the_shares_of_every_cell_sum_to_one(cells, shape, seed):
    mask = np.random.default_rng(seed).integers(0, 4, shape, dtype=np.uint8)
    shares = pool_mask(mask, [1, 3], grid=cells)
    assert shares.shape == (3, *cells)
    assert shares.dtype == np.float32
    assert (shares >= 0).all()
    np.testing.assert_allclose(shares.sum(0), 1, atol=1e-5)


@given(seeds)
def test_evidence_by_pooling_is_evidence_by_upsampling(seed):
    rng = np.random.default_rng(seed)
    maps = rng.normal(size=(3, 7, 7)).astype(np.float32)
    mask = rng.integers(0, 3, (56, 84), dtype=np.uint8)
    pooled = np.einsum("khw,shw->ks", maps, pool_mask(mask, [1, 2], grid=(7, 7)))
    grown = upsample(maps, height=56, width=84, keep_sum=True)
    slow = np.stack([(grown * (mask == region)).sum((1, 2)) for region in (1, 2, 0)], axis=1)
    np.testing.assert_allclose(pooled, slow, atol=1e-4)


def test_a_cell_inside_a_region_is_all_of_it():
    mask = np.zeros((70, 70), np.uint8)
    mask[:, 35:] = 2
    shares = pool_mask(mask, [2], grid=(7, 7))
    np.testing.assert_allclose(shares[0, :, :2], 0, atol=1e-6)
    np.testing.assert_allclose(shares[0, :, 5:], 1, atol=1e-6)
    np.testing.assert_allclose(shares[0, :, 3], 0.5, atol=1e-6)
    np.testing.assert_allclose(shares[0].mean(), 0.5, atol=1e-6)


def test_the_part_that_the_network_saw():
    mask = np.arange(16, dtype=np.uint8).reshape(4, 4)
    shares = pool_mask(mask, [5, 6, 9, 10], grid=(2, 2), crop=(0.25, 0.25, 0.75, 0.75))
    np.testing.assert_allclose(shares[:4].sum(0), 1)
    np.testing.assert_allclose(shares, pool_mask(mask[1:3, 1:3], [5, 6, 9, 10], grid=(2, 2)))
