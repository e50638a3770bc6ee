"""Street-like JPEGs made from a name: each with pixels of its own and the name in a comment, so that tests can tell."""

import io
import struct
from functools import lru_cache
from random import Random

from PIL import Image, ImageDraw, ImageFilter

__all__ = ["CARD_COLOUR", "card_bytes", "name_in", "photo_bytes"]

CARD_COLOUR = (228, 227, 223)
_SCENES = 6
_COMMENT = b"\xff\xfe"


def photo_bytes(name: str, *, size: tuple[int, int] = (320, 240)) -> bytes:
    """A JPEG of `size` (width, height): houses along a road, other ones for another name."""
    random = Random(name)
    picture = _scene(random.randrange(_SCENES), *size).copy()
    _draw_houses(ImageDraw.Draw(picture), size, random)
    data = _jpeg(picture)
    text = name.encode()
    return data[:2] + _COMMENT + struct.pack(">H", len(text) + 2) + text + data[2:]


def name_in(data: bytes) -> str | None:
    """The name that a photo was made from; None for anything else.

    >>> name_in(photo_bytes("mapillary 17")), name_in(card_bytes("no imagery"))
    ('mapillary 17', None)
    """
    if data[:2] != b"\xff\xd8" or data[2:4] != _COMMENT:
        return None
    (length,) = struct.unpack(">H", data[4:6])
    return data[6 : 4 + length].decode()


@lru_cache(maxsize=16)
def card_bytes(text: str, *, size: tuple[int, int] = (640, 640)) -> bytes:
    """The flat card with one line of dark text that stands in for a photo."""
    picture = Image.new("RGB", size, CARD_COLOUR)
    ImageDraw.Draw(picture).text((size[0] / 2, size[1] / 2), text, fill=(70, 70, 70), anchor="mm")
    return _jpeg(picture)


def _jpeg(picture: Image.Image) -> bytes:
    target = io.BytesIO()
    picture.save(target, "JPEG", quality=75)
    return target.getvalue()


@lru_cache(maxsize=64)
def _scene(number: int, width: int, height: int) -> Image.Image:
    """Sky, ground and grain: what takes long to draw and may be the same for many photos."""
    random = Random(f"scene {number}")
    sky = Image.linear_gradient("L").resize((width, height))
    picture = Image.merge("RGB", [sky.point(lambda value, base=base: min(255, base + value // 3))
                                  for base in (random.randint(90, 150), random.randint(120, 170), 200)])  # fmt: skip
    draw = ImageDraw.Draw(picture)
    horizon = int(height * random.uniform(0.5, 0.65))
    draw.rectangle((0, horizon, width, height), fill=tuple(random.randint(80, 140) for _ in range(3)))
    road = [(width * 0.45, horizon), (width * 0.55, horizon), (width * 0.95, height), (width * 0.05, height)]
    draw.polygon(road, fill=(70, 70, 75))
    grain = Image.frombytes("L", (width, height), random.randbytes(width * height)).filter(ImageFilter.BoxBlur(1))
    return Image.blend(picture, Image.merge("RGB", (grain, grain, grain)), 0.25)


def _draw_houses(draw: ImageDraw.ImageDraw, size: tuple[int, int], random: Random) -> None:
    width, height = size
    for _ in range(8):
        left, top = random.randint(-width // 8, width), random.randint(height // 8, height // 2)
        right, bottom = left + random.randint(width // 12, width // 4), int(height * random.uniform(0.55, 0.8))
        draw.rectangle((left, top, right, bottom), fill=tuple(random.randrange(30, 240) for _ in range(3)))
        pane = max(3, width // 40)
        light = tuple(random.randrange(120, 250) for _ in range(3))
        for across in range(left + pane, right - pane, 2 * pane):
            for down in range(top + pane, bottom - pane, 3 * pane):
                draw.rectangle((across, down, across + pane - 1, down + pane), fill=light)
