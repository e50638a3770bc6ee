"""Weak regions that need no model: what is green, and what is bright or blue up to the top of the photo."""

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from machinami.explain.regions import Regions

__all__ = ["COLOUR_REGIONS", "COLOUR_SIDE_PX", "colour_mask"]

# The names say that no model looked: a green door is green too, and a tree in winter is not.
COLOUR_REGIONS = Regions(numbers=(1, 2), names=("green (by colour)", "sky (by colour)"))
GREEN, SKY = COLOUR_REGIONS.numbers
COLOUR_SIDE_PX = 128  # a heatmap has 7 × 7 cells; the thresholds were measured at this shorter side

# Measured against the hand-made masks of 548 street photos of five cities (LabelMeFacade), over their labelled pixels:
# green against vegetation: IoU 0.37 (precision 0.59, recall 0.50), flat between 0.08 and 0.12;
# sky against sky: IoU 0.75 (precision 0.87, recall 0.85), flat between 160 and 200. City by city the IoU is
# 0.16 to 0.43 for green and 0.55 to 0.82 for sky.
EXCESS_GREEN = 0.1
BRIGHT = 180.0  # grey level from which something that is not reddish may be sky
BLUE = 0.1  # (B − R) / (R + G + B) from which anything may be
REDDISH = 8.0  # levels that red may exceed blue by in bright sky
STEEP = 10.0  # grey levels a pixel: sky is smoother
GROW_PX = 2  # the gradient eats this much of the sky's edge, which is given back
SPECK_PX = 5  # edge of the window in which the majority decides what is green


def colour_mask(photo: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
    """Numbers of `COLOUR_REGIONS` for every pixel, uint8 (H, W), 0 for all else.

    photo: uint8 (H, W, 3), RGB, best with a shorter side of `COLOUR_SIDE_PX`. Green is where the excess green index
    2g − r − b of the chromatic coordinates (Woebbecke et al. 1995, eq. 1 to 4) is above `EXCESS_GREEN`.
    """
    red, green, blue = np.moveaxis(photo.astype(np.float32), 2, 0)
    total = red + green + blue
    excess = (2 * green - red - blue) / np.maximum(total, 1)
    leafy = ndimage.uniform_filter((excess > EXCESS_GREEN).astype(np.float32), SPECK_PX) > 0.5
    may_be_sky = ((total / 3 > BRIGHT) & (blue >= red - REDDISH)) | ((blue - red) / np.maximum(total, 1) > BLUE)
    mask = np.zeros(photo.shape[:2], np.uint8)
    mask[leafy] = GREEN
    mask[_from_the_top(may_be_sky, total / 3)] = SKY
    return mask


def _from_the_top(may_be_sky: npt.NDArray[np.bool_], grey: npt.NDArray[np.float32]) -> npt.NDArray[np.bool_]:
    """The smooth parts that hang together with the top edge."""
    steepness = np.hypot(ndimage.sobel(grey, 0), ndimage.sobel(grey, 1)) / 8
    parts, _ = ndimage.label(may_be_sky & (steepness < STEEP))
    at_top = np.unique(parts[0])
    smooth = np.isin(parts, at_top[at_top > 0])
    grown: npt.NDArray[np.bool_] = ndimage.binary_dilation(smooth, iterations=GROW_PX, mask=may_be_sky)
    return grown
