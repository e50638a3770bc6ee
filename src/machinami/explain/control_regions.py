"""Control regions: the same area and shape elsewhere in the same photo."""

import numpy as np
import numpy.typing as npt
from scipy.fft import irfft2, rfft2

__all__ = ["control_region"]

Mask = npt.NDArray[np.bool_]
NEARLY = 0.02  # of the region's area: shifts that overlap so little more than the best are as good


def control_region(region: Mask, generator: np.random.Generator) -> Mask:
    """The region (H, W), or its mirror image, moved to where it overlaps itself least.

    Moved round the edges (a toroidal shift: Lotwick & Silverman 1982, *Methods for analysing spatial processes of
    several types of points*), so the area is exactly the same. Of all moves with an overlap within 2 % of the area
    of the least, one is drawn. A region of more than half a photo must overlap.
    """
    own = np.conj(rfft2(region.astype(np.float32)))
    shapes = (region, region[:, ::-1])
    # the correlation at (dy, dx) is the number of pixels that the moved shape shares with the region
    overlaps = np.stack([irfft2(np.conj(own * rfft2(s.astype(np.float32))), s=region.shape) for s in shapes])
    good = np.flatnonzero(overlaps <= overlaps.min() + NEARLY * region.sum())
    shape, down, across = np.unravel_index(generator.choice(good), overlaps.shape)
    return np.roll(shapes[shape], (int(down), int(across)), axis=(0, 1))
