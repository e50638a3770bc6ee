"""Which device computes, and at what precision."""

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from threadpoolctl import threadpool_limits

from machinami.errors import UsageError

__all__ = ["autocast", "resolve_device", "using_threads"]


def resolve_device(name: str = "auto") -> torch.device:
    """The device asked for, or with "auto" the best there is. Raises UsageError where it is not there."""
    if name == "auto":
        if torch.cuda.is_available():
            return torch.device("cuda")
        return torch.device("mps" if torch.backends.mps.is_available() else "cpu")
    there = {"cpu": True, "cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available()}
    if name not in there:
        raise UsageError(f"device {name!r} is not one of auto, {', '.join(there)}")
    if not there[name]:
        raise UsageError(f"this machine has no {name} device that torch can use: take --device auto")
    return torch.device(name)


@contextmanager
def autocast(device: torch.device) -> Iterator[None]:
    """Half precision where it pays: bfloat16 on a GPU that has it; float32 elsewhere.

    On a CPU without the instructions for it bfloat16 is many times slower than float32, so it is never chosen there.
    """
    wanted = device.type == "cuda" and torch.cuda.is_bf16_supported()
    with torch.autocast(device.type, dtype=torch.bfloat16, enabled=wanted):
        yield


@contextmanager
def using_threads(threads: int | None) -> Iterator[None]:
    """Compute with so many threads, torch's and those of numpy's algebra, then as before; None leaves both alone."""
    before = torch.get_num_threads()
    with threadpool_limits(limits=threads, user_api="blas"):
        if threads:
            torch.set_num_threads(threads)
        try:
            yield
        finally:
            torch.set_num_threads(before)
