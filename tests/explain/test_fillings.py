import numpy as np
import pytest
import torch

from machinami.explain.fillings import BLUR, FILLINGS, blur_of, fill_inpaint, fill_mean


@pytest.fixture
def image():
    return torch.rand(3, 21, 28, generator=torch.Generator().manual_seed(0))


@pytest.fixture
def masks():
    masks = torch.zeros(3, 21, 28, dtype=torch.bool)
    masks[0, 4:12, 3:20] = True
    masks[1] = torch.rand(21, 28, generator=torch.Generator().manual_seed(1)) > 0.6
    return masks  # the last is empty


@pytest.mark.parametrize("fill", FILLINGS.values(), ids=FILLINGS)
def test_only_the_region_changes(image, masks, fill):
    filled = fill(image, masks)
    assert filled.shape == (3, 3, 21, 28)
    for one, mask in zip(filled, masks, strict=True):
        assert torch.equal(one[:, ~mask], image[:, ~mask])
    assert not torch.allclose(filled[0][:, masks[0]], image[:, masks[0]], atol=0.05)
    assert filled.min() >= image.min() - 1e-5
    assert filled.max() <= image.max() + 1e-5


@pytest.mark.parametrize("fill", FILLINGS.values(), ids=FILLINGS)
def test_a_plain_picture_stays_plain(masks, fill):
    plain = torch.tensor([0.2, 0.5, -1.0])[:, None, None].expand(3, 21, 28)
    torch.testing.assert_close(fill(plain, masks), plain.expand(3, 3, 21, 28), atol=1e-5, rtol=0)


@pytest.mark.parametrize("fill", FILLINGS.values(), ids=FILLINGS)
def test_a_region_over_everything_is_filled_with_numbers(image, fill):
    filled = fill(image, torch.ones(1, 21, 28, dtype=torch.bool))
    assert torch.isfinite(filled).all()
    assert filled.std() < image.std()


def test_the_mean_is_that_of_what_remains(image, masks):
    filled = fill_mean(image, masks)
    for channel in range(3):
        rest = [image[channel, y, x].item() for y in range(21) for x in range(28) if not masks[0, y, x]]
        assert filled[0, channel, 5, 5].item() == pytest.approx(np.mean(rest), abs=1e-5)


def test_the_blur_is_a_gaussian(image):
    """Pixel by pixel, weights of both directions multiplied, cut off at the borders."""
    y, x = 2, 25
    weights = np.array(
        [
            [np.exp(-(((j - y) / (BLUR * 21)) ** 2) / 2 - ((i - x) / (BLUR * 28)) ** 2 / 2) for i in range(28)]
            for j in range(21)
        ]
    )
    expected = (image[1].numpy() * weights).sum() / weights.sum()
    assert blur_of(image)[1, y, x].item() == pytest.approx(expected, abs=1e-5)


def test_inpainting_takes_the_colours_beside_it():
    """Left half dark, right half bright: a hole in each takes the colour of its half."""
    image = torch.zeros(3, 64, 64)
    image[:, :, 32:] = 1
    holes = torch.zeros(1, 64, 64, dtype=torch.bool)
    holes[0, 24:34, 6:14] = holes[0, 24:34, 50:58] = True
    filled = fill_inpaint(image + 0.0, holes)[0]
    assert filled[:, 24:34, 6:14].max() < 0.1
    assert filled[:, 24:34, 50:58].min() > 0.9
