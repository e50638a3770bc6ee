import numpy as np
import torch

from machinami.explain.centre import centred, contrast


def test_what_is_common_goes():
    maps = np.random.default_rng(0).normal(size=(2, 3, 4, 5)).astype(np.float32)
    expected = np.stack([maps[:, k] - (maps[:, 0] + maps[:, 1] + maps[:, 2]) / 3 for k in range(3)], axis=1)
    np.testing.assert_allclose(centred(maps), expected, atol=1e-6)
    np.testing.assert_allclose(centred(maps[0]), expected[0], atol=1e-6)
    np.testing.assert_allclose(centred(torch.from_numpy(maps)).numpy(), expected, atol=1e-6)


def test_a_contrast_is_of_two_places():
    maps = np.random.default_rng(0).normal(size=(2, 3, 4, 5)).astype(np.float32)
    np.testing.assert_array_equal(contrast(maps, 2, 0), maps[:, 2] - maps[:, 0])
    np.testing.assert_allclose(contrast(centred(maps), 2, 0), contrast(maps, 2, 0), atol=1e-6)
