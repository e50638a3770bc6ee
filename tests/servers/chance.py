"""Chances that depend on what they are asked about and on nothing else: not on order, threads or the process."""

from hashlib import blake2b

__all__ = ["chance"]


def chance(*about: object) -> float:
    """A number in 0 … 1 (1 excluded), always the same for the same arguments.

    >>> chance(0, "gone", 17) == chance(0, "gone", 17) != chance(1, "gone", 17)
    True
    """
    digest = blake2b("|".join(map(str, about)).encode(), digest_size=7).digest()
    return int.from_bytes(digest) / 2**56
