import threading
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from machinami.ordered import in_batches, in_order


@given(st.lists(st.integers(), max_size=60))
def test_the_results_keep_the_order(jobs):
    assert list(in_order(lambda job: job + 1, jobs)) == [job + 1 for job in jobs]


def test_jobs_are_asked_for_as_they_are_needed():
    asked = []

    def jobs():
        for job in range(1000):
            asked.append(job)
            yield job

    results = in_order(lambda job: job, jobs())
    next(results)
    assert len(asked) < 40
    results.close()


def test_one_that_takes_long_stops_only_what_is_too_far_ahead():
    done, first = [], threading.Event()

    def work(job):
        if job == 0:
            assert first.wait(20)
        done.append(job)
        if len(done) == 30:
            first.set()

    assert len(list(in_order(work, range(40), threads=2, ahead=16))) == 40
    assert done.index(0) >= 30


def test_several_are_worked_on_at_once():
    both = threading.Barrier(2, timeout=20)
    assert sorted(in_order(lambda _: both.wait(), range(2))) == [0, 1]


def test_the_jobs_run_in_the_calling_thread():
    def jobs():
        yield threading.get_ident()

    assert list(in_order(lambda job: job, jobs())) == [threading.get_ident()]


def test_an_error_ends_the_stream_after_what_came_before():
    def work(job):
        time.sleep(0.001)
        return 1 / job

    results = in_order(work, [1, 2, 0, 4])
    assert [next(results), next(results)] == [1, 0.5]
    with pytest.raises(ZeroDivisionError):
        next(results)


@given(st.lists(st.integers()), st.integers(1, 7))
def test_batches_hold_everything(items, size):
    batches = list(in_batches(items, size))
    assert [item for batch in batches for item in batch] == items
    assert all(len(batch) == size for batch in batches[:-1])


def test_what_came_before_an_error_is_still_given():
    def items():
        yield from (1, 2, 3)
        raise KeyboardInterrupt

    batches = in_batches(items(), 2)
    assert [next(batches), next(batches)] == [[1, 2], [3]]
    with pytest.raises(KeyboardInterrupt):
        next(batches)
