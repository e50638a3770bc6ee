import numpy as np
import pytest
import torch

from machinami.images.augment import CropChances, crop_randomly, resize_plainly

CHANCES = CropChances(min_crop=0.5, colour_jitter=0.25, flip=False)


def squares(count=4, edge=40, seed=0):
    return torch.from_numpy(np.random.default_rng(seed).integers(0, 256, (count, edge, edge, 3), np.uint8))


def crop(pixels, seeds, chances=CHANCES):
    return crop_randomly(pixels, size_px=32, chances=chances, seeds=seeds)


def test_a_view_depends_on_nothing_but_its_seed():
    pixels = squares()
    seeds = [(0, photo, 1) for photo in range(4)]
    batch = crop(pixels, seeds)
    for row in range(4):
        np.random.seed(row)  # noqa: NPY002  the global state must not matter
        torch.manual_seed(row)
        assert torch.equal(crop(pixels[row : row + 1], seeds[row : row + 1])[0], batch[row])
    order = [2, 0, 3, 1]
    assert torch.equal(crop(pixels[order], [seeds[row] for row in order]), batch[order])


def test_another_seed_is_another_view():
    pixels = squares(1)
    views = [crop(pixels, [(seed, photo, view)]) for seed in (0, 1) for photo in (0, 1) for view in (1, 2)]
    assert all(not torch.equal(a, b) for i, a in enumerate(views) for b in views[:i])


def slope(view):
    """Change of brightness from left to right."""
    return float((view[..., -1] - view[..., 0]).mean())


@pytest.mark.parametrize("flip", [False, True])
def test_no_view_is_mirrored_unless_asked_for(flip):
    ramp = np.broadcast_to(np.linspace(30, 220, 40).astype(np.uint8)[None, :, None], (40, 40, 3))
    pixels = torch.from_numpy(np.repeat(ramp[None], 200, axis=0))
    chances = CropChances(min_crop=0.3, colour_jitter=0.25, flip=flip)
    mirrored = [slope(view) < 0 for view in crop(pixels, [(seed,) for seed in range(200)], chances)]
    assert any(mirrored) == flip
    assert not all(mirrored)


def test_without_chances_a_view_is_the_photo():
    still = CropChances(min_crop=1.0, colour_jitter=0.0, flip=False)
    pixels = torch.full((1, 40, 40, 3), 77, dtype=torch.uint8)
    assert torch.allclose(crop(pixels, [(0,)], still), torch.tensor(77 / 255), atol=1e-6)


def test_views_stay_between_black_and_white():
    wild = CropChances(min_crop=0.0, colour_jitter=1.0, flip=True)
    views = crop(squares(50), [(seed,) for seed in range(50)], wild)
    assert views.shape == (50, 3, 32, 32)
    assert views.dtype == torch.float32
    assert torch.isfinite(views).all()
    assert views.min() >= 0
    assert views.max() <= 1


def test_plain_squares_of_the_right_size_are_only_scaled_to_one():
    pixels = squares(edge=32)
    assert torch.equal(resize_plainly(pixels, size_px=32), pixels.permute(0, 3, 1, 2).float() / 255)
    assert resize_plainly(squares(edge=40), size_px=32).shape == (4, 3, 32, 32)
