"""Chance that depends on names and places alone, so that the same ground always looks the same."""

import zlib
from typing import TypeVar

import numpy as np
import numpy.typing as npt

_T = TypeVar("_T")
_WORD = (1 << 64) - 1
_STEP = 0x9E3779B97F4A7C15
_MIX_A = 0xBF58476D1CE4E5B9
_MIX_B = 0x94D049BB133111EB


def key_of(*parts: int | str) -> int:
    """A 64-bit number for a sequence of numbers and words (splitmix64 over the parts)."""
    state = 0
    for part in parts:
        number = zlib.crc32(part.encode()) if isinstance(part, str) else part
        state = _mix((state ^ (number & _WORD)) + _STEP)
    return state


def _mix(value: int) -> int:
    value &= _WORD
    value = ((value ^ (value >> 30)) * _MIX_A) & _WORD
    value = ((value ^ (value >> 27)) * _MIX_B) & _WORD
    return value ^ (value >> 31)


def keys_of(key: int, *numbers: npt.NDArray[np.int64]) -> npt.NDArray[np.uint64]:
    """What `key_of` makes of a key's parts and one more number of each array, for each position of the broadcast."""
    state = np.full(np.broadcast_shapes(*(n.shape for n in numbers)), key & _WORD, np.uint64)
    for number in numbers:
        state = (state ^ number.astype(np.uint64)) + np.uint64(_STEP)
        state = (state ^ (state >> np.uint64(30))) * np.uint64(_MIX_A)
        state = (state ^ (state >> np.uint64(27))) * np.uint64(_MIX_B)
        state ^= state >> np.uint64(31)
    return state


def chances(key: int, *numbers: npt.NDArray[np.int64]) -> npt.NDArray[np.float64]:
    """Uniform numbers in [0, 1), one for each position of the broadcast `numbers` (splitmix64)."""
    return (keys_of(key, *numbers) >> np.uint64(11)).astype(np.float64) * 2.0**-53


class Dice:
    """A stream of uniform numbers from a key: cheap enough to make one for each plot."""

    __slots__ = ("_state",)

    def __init__(self, key: int) -> None:
        self._state = key & _WORD

    def unit(self) -> float:
        """A number in [0, 1)."""
        # The steps of _mix, written out: this is called some thousand times for a photo.
        self._state = value = (self._state + _STEP) & _WORD
        value = ((value ^ (value >> 30)) * _MIX_A) & _WORD
        value = ((value ^ (value >> 27)) * _MIX_B) & _WORD
        return ((value ^ (value >> 31)) >> 11) * 2.0**-53

    def between(self, low: float, high: float) -> float:
        """A number in [low, high)."""
        return low + (high - low) * self.unit()

    def pick(self, options: tuple[_T, ...]) -> _T:
        """One of the options, each as likely."""
        return options[int(self.unit() * len(options))]

    def split(self) -> "Dice":
        """Another stream, which this one has no part in from here on."""
        self._state = (self._state + _STEP) & _WORD
        return Dice(_mix(self._state ^ _MIX_A))
