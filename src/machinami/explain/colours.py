"""Colours of heatmaps: even steps of lightness, told apart by colour-blind eyes, see-through at zero."""

import numpy as np
import numpy.typing as npt

__all__ = ["AGAINST", "FOR", "colour_values", "even_ramp"]

Floats = npt.NDArray[np.floating]
Pixels = npt.NDArray[np.uint8]

FOR = (0x2A, 0xAE, 0x52)  # green
AGAINST = (0x9B, 0x45, 0xC8)  # purple
MOST_OPAQUE = 0.78  # the photo stays to be seen under the strongest evidence

# Ends of the ramp in OKLab (Ottosson 2020): dark blue to light yellow through grey, on the blue–yellow axis
# alone, which red-green blindness leaves intact.
_DARK = np.array([0.30, -0.005, -0.085])
_LIGHT = np.array([0.93, -0.02, 0.165])
_LAB_TO_LMS = np.array(
    [
        [1.0, 0.3963377774, 0.2158037573],
        [1.0, -0.1055613458, -0.0638541728],
        [1.0, -0.0894841775, -1.2914855480],
    ]
)
_LMS_TO_RGB = np.array(
    [
        [4.0767416621, -3.3077115913, 0.2309699292],
        [-1.2684380046, 2.6097574011, -0.3413193965],
        [-0.0041960863, -0.7034186147, 1.7076147010],
    ]
)


def even_ramp(values: Floats) -> Pixels:
    """uint8 (…, 3), sRGB, for values 0 … 1: lightness grows evenly from dark blue to light yellow."""
    share = np.clip(values, 0, 1)[..., None]
    linear = ((_DARK + share * (_LIGHT - _DARK)) @ _LAB_TO_LMS.T) ** 3 @ _LMS_TO_RGB.T
    linear = np.clip(linear, 0, 1)
    coded = np.where(linear <= 0.0031308, 12.92 * linear, 1.055 * linear ** (1 / 2.4) - 0.055)
    pixels: Pixels = np.rint(255 * coded).astype(np.uint8)
    return pixels


def colour_values(values: Floats, *, signed: bool) -> Pixels:
    """uint8 (…, 4), RGBA, for values −1 … 1 (those outside look like the ends); 0 is transparent.

    signed: green for, purple against.  Otherwise the even ramp for what is above 0, and nothing for the rest.
    """
    values = np.clip(values, -1, 1)
    if signed:
        strength = np.abs(values)
        colours = np.where(values[..., None] >= 0, np.array(FOR, np.uint8), np.array(AGAINST, np.uint8))
    else:
        strength = np.maximum(values, 0)
        colours = even_ramp(strength)
    opacity = np.rint(255 * MOST_OPAQUE * strength).astype(np.uint8)
    return np.concatenate([colours, opacity[..., None]], axis=-1)
