"""Work on a stream: several pieces at once, results in order, and never more held than a handful."""

import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

__all__ = ["in_batches", "in_order"]

T = TypeVar("T")
R = TypeVar("R")

_MOST_THREADS = 8


def in_order(work: Callable[[T], R], jobs: Iterable[T], *, threads: int | None = None, ahead: int = 2) -> Iterator[R]:
    """The result of each job, in the order of the jobs, worked on by threads.

    At most `ahead` times as many jobs as threads are waiting or done ahead: where one piece may wait long for its
    turn, with more of them the others need not wait for it. `jobs` is asked from the calling thread. Without
    `threads` there is one for each processor: for work that waits rather than computes, say more.
    What a piece of work raises is raised here; the other pieces that wait are dropped.

    >>> list(in_order(abs, [3, -1, 2]))
    [3, 1, 2]
    """
    threads = threads or min(_MOST_THREADS, os.cpu_count() or 1)
    waiting: deque[Future[R]] = deque()
    pool = ThreadPoolExecutor(threads, thread_name_prefix="machinami")
    try:
        for job in jobs:
            waiting.append(pool.submit(work, job))
            if len(waiting) > ahead * threads:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
    finally:
        pool.shutdown(cancel_futures=True)


def in_batches(items: Iterable[T], size: int) -> Iterator[list[T]]:
    """Lists of up to `size` items. When `items` breaks off, what had come so far is still given, then it raises.

    >>> list(in_batches(range(5), 2))
    [[0, 1], [2, 3], [4]]
    """
    batch: list[T] = []
    try:
        for item in items:
            batch.append(item)
            if len(batch) == size:
                full, batch = batch, []
                yield full
    finally:
        if batch:
            yield batch
