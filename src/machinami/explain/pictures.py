"""Heatmaps for the eye: over the photo, beside it, as a small layer; the scale in logits with them."""

import io
import math
from collections.abc import Sequence
from typing import Literal

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw, ImageFont

from machinami.explain.colours import colour_values
from machinami.explain.upsample import upsample

__all__ = ["common_scale", "heatmap_layer", "legend", "overlay", "side_by_side"]

Floats = npt.NDArray[np.float32]
Pixels = npt.NDArray[np.uint8]

PAPER = (0xFC, 0xFB, 0xF8)
INK = (0x1B, 0x1D, 0x21)
GAP_PX = 8
LAYER_PX = 112
LEGEND_PX = 120  # the narrowest that a legend can be read at


def common_scale(maps: Sequence[Floats]) -> float:
    """The logits a cell at which colours are strongest, one number for all pictures of a section.

    It is the 99th percentile of the cells' absolute values, rounded up to two digits; 1 where all are 0.
    maps: float (…, h, w) each, logit units.
    """
    cells = np.concatenate([np.abs(one).ravel() for one in maps]) if maps else np.zeros(1)
    top = float(np.quantile(cells, 0.99))
    if not top > 0:
        return 1.0
    step = 10.0 ** (math.floor(math.log10(top)) - 1)
    return float(f"{math.ceil(top / step - 1e-9) * step:.2g}")


def overlay(photo: Pixels, cells: Floats, *, scale: float, signed: bool = True, smooth: bool = True) -> Pixels:
    """The photo with its heatmap over it: uint8 (H, W, 3).

    photo: uint8 (H, W, 3), RGB.  cells: float (h, w), logit units.  scale: logits a cell of the strongest
    colour.
    smooth: half-pixel bilinear between the cells' centres; otherwise the cells themselves.
    """
    height, width = photo.shape[:2]
    layer = colour_values(_grown(cells, height=height, width=width, smooth=smooth) / scale, signed=signed)
    opacity = layer[..., 3:].astype(np.float32) / 255
    return np.rint(photo * (1 - opacity) + layer[..., :3] * opacity).astype(np.uint8)


def heatmap_layer(
    cells: Floats,
    *,
    scale: float,
    signed: bool = True,
    smooth: bool = True,
    kind: Literal["png", "webp"] = "webp",
) -> bytes:
    """A small transparent picture, 112 px square, to be stretched over the photo; a few kilobytes.

    cells: float (h, w), logit units; the layer covers the whole photo, whatever its proportions.
    """
    grown = _grown(cells, height=LAYER_PX, width=LAYER_PX, smooth=smooth)
    image = Image.fromarray(colour_values(grown / scale, signed=signed))
    return _encoded(image, kind)


def legend(*, scale: float, signed: bool = True, width_px: int = 360) -> Pixels:
    """The colours with their values in logits: uint8 (44, width, 3), ink on paper; 120 px wide at least."""
    width_px = max(width_px, LEGEND_PX)
    image = Image.new("RGB", (width_px, 44), PAPER)
    draw = ImageDraw.Draw(image)
    font = ImageFont.load_default(13)
    bar_width = min(width_px - 16, 280)
    values = np.linspace(-1 if signed else 0, 1, bar_width)
    bar = np.broadcast_to(np.array(PAPER, np.uint8), (10, bar_width, 3))
    layer = np.broadcast_to(colour_values(values, signed=signed), (10, bar_width, 4))
    opacity = layer[..., 3:].astype(np.float32) / 255
    image.paste(Image.fromarray(np.rint(bar * (1 - opacity) + layer[..., :3] * opacity).astype(np.uint8)), (8, 6))
    ticks = [(-1.0, f"against  -{scale:g}", "la"), (0.0, "0", "ma"), (1.0, f"+{scale:g}  for", "ra")]
    for value, text, anchor in ticks if signed else [(0.0, "0", "la"), (1.0, f"+{scale:g}", "ra")]:
        x = 8 + (value - values[0]) / (1 - values[0]) * (bar_width - 1)
        draw.text((x, 22), text, fill=INK, font=font, anchor=anchor)
    draw.text((8 + bar_width + 8, 2), "logits\na cell", fill=INK, font=font)
    return np.asarray(image)


def side_by_side(photo: Pixels, cells: Floats, *, scale: float, signed: bool = True, smooth: bool = True) -> Pixels:
    """The photo, beside it the photo with its heatmap, below them the legend: uint8 (H + 52, 2 W + 8, 3).

    A narrow photo's sheet is as wide as the legend, 120 px.
    """
    height, width = photo.shape[:2]
    sheet = Image.new("RGB", (max(2 * width + GAP_PX, LEGEND_PX), height + GAP_PX + 44), PAPER)
    sheet.paste(Image.fromarray(photo), (0, 0))
    shown = overlay(photo, cells, scale=scale, signed=signed, smooth=smooth)
    sheet.paste(Image.fromarray(shown), (width + GAP_PX, 0))
    below = legend(scale=scale, signed=signed, width_px=width)
    sheet.paste(Image.fromarray(below), (sheet.width - below.shape[1], height + GAP_PX))
    return np.asarray(sheet)


def _grown(cells: Floats, *, height: int, width: int, smooth: bool) -> Floats:
    if smooth:
        return upsample(cells, height=height, width=width)
    rows = np.arange(height) * cells.shape[0] // height
    columns = np.arange(width) * cells.shape[1] // width
    grown: Floats = cells[rows[:, None], columns]
    return grown


def _encoded(image: Image.Image, kind: Literal["png", "webp"]) -> bytes:
    file = io.BytesIO()
    if kind == "webp":
        image.save(file, "WEBP", quality=80, method=4)
    else:
        image.save(file, "PNG", optimize=True)
    return file.getvalue()
