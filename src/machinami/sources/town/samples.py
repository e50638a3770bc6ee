"""Where a picture is looked at: once, twice or four times in a pixel, as what it shows demands."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float32]
MaskArray = npt.NDArray[np.uint8]
IntArray = npt.NDArray[np.int64]

LOOKS = (1, 2, 4)  # into the middle of a pixel, into the first and last of its four parts, into all four


@dataclass(frozen=True, slots=True, kw_only=True)
class Samples:
    """The samples of a picture: first those of pixels with one look, then with two, then with four.

    `pixels` numbers the photo's pixels row by row, int64, for each of LOOKS; the first samples of all pixels of a
    group come before their second ones. `which` int64 (n,) says where a sample looks, as `View.rays` takes it;
    `face` int64 (n,) and `shadow` uint8 (n,) are what it sees.
    """

    pixels: tuple[IntArray, IntArray, IntArray]
    which: IntArray
    face: IntArray
    shadow: MaskArray

    def mean(self, colour: FloatArray) -> FloatArray:
        """The colour of each pixel of the photo, from those of the samples (3, n): float32 (3, pixels)."""
        once, twice, four = self.pixels
        mean = np.empty((len(colour), len(once) + len(twice) + len(four)), np.float32)
        for to, samples in zip(mean, colour, strict=True):
            first, rest = np.split(samples, [len(once)])
            pairs, fours = np.split(rest, [2 * len(twice)])
            to[once] = first
            to[twice] = pairs.reshape(2, -1).sum(axis=0) * np.float32(0.5)
            to[four] = fours.reshape(4, -1).sum(axis=0) * np.float32(0.25)
        return mean

    def commonest(self, region: MaskArray) -> MaskArray:
        """The region that most samples of each pixel show; of equals, the one met first: uint8 (pixels,)."""
        once, twice, four = self.pixels
        first, rest = np.split(region, [len(once)])
        pairs, fours = np.split(rest, [2 * len(twice)])
        found = np.empty(len(once) + len(twice) + len(four), np.uint8)
        found[once], found[twice] = first, pairs[: len(twice)]
        a, b, c, d = fours.reshape(4, -1)
        repeated = np.where((b == c) | (b == d), b, np.where(c == d, c, a))
        found[four] = np.where((a == b) | (a == c) | (a == d), a, repeated)
        return found


def choose_samples(face: npt.NDArray[np.int32], shadow: MaskArray, looks: MaskArray) -> Samples:
    """Samples for the face and shadow of oversampled pixels, (4 pixels,) row by row of a square.

    `looks` uint8 (faces,) is 1 or 2: how often to look at a pixel that shows nothing but this face.
    """
    width = round(len(face) ** 0.5)
    faces, shadows = face.reshape(width, width), shadow.reshape(width, width)
    is_one = np.ones((width // 2, width // 2), bool)
    for row, column in ((0, 1), (1, 0), (1, 1)):
        is_one &= faces[row::2, column::2] == faces[::2, ::2]
        is_one &= shadows[row::2, column::2] == shadows[::2, ::2]
    wanted = np.where(is_one, looks.take(faces[::2, ::2]), np.uint8(4))
    once, twice, four = (np.flatnonzero(wanted == count) for count in LOOKS)
    second, third = (_first_of_four(pixels, width) for pixels in (twice, four))
    parts = [second, second + width + 1, third, third + 1, third + width, third + width + 1]
    seen = np.concatenate([_first_of_four(once, width), *parts])
    return Samples(
        pixels=(once, twice, four),
        which=np.concatenate([once + width * width, *parts]),
        face=face.take(seen).astype(np.int64),
        shadow=shadow.take(seen),
    )


def _first_of_four(pixels: IntArray, width: int) -> IntArray:
    """The oversampled pixel at the upper left of each pixel of the photo."""
    row, column = np.divmod(pixels, width // 2)
    return np.asarray(row * (2 * width) + 2 * column)
