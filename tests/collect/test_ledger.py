import random
import sqlite3
import subprocess
import sys
import threading
import time
from contextlib import closing
from datetime import UTC, datetime

import pytest

from machinami.catalog import Catalog
from machinami.collect.ledger import Ledger, to_micro_usd
from machinami.config import BudgetConfig
from machinami.errors import BudgetError, ProjectError
from machinami.sources.prices import cost_micro_usd

NOW = datetime(2026, 11, 23, tzinfo=UTC)


@pytest.fixture
def path(tmp_path):
    return tmp_path / "catalog.sqlite"


def seven_tenths_of_a_cent(nth):
    return 7_000


def opened(path, *, source="google", usd=1.0, photos=1000, price=seven_tenths_of_a_cent, now=NOW):
    budget = BudgetConfig(max_cost_usd=usd, max_photos=photos)
    return Ledger(path, source=source, budget=budget, price=price, now=lambda: now)


def rows(path):
    with closing(sqlite3.connect(path)) as db:
        found = db.execute("SELECT entry, source, photo_id, month, asked_at, cost_micro_usd, outcome FROM ledger")
        return found.fetchall()


def spend_all(ledger):
    made = 0
    while True:
        try:
            ledger.intend(made)
        except BudgetError as error:
            return made, str(error)
        made += 1


def test_an_intention_is_in_the_file_before_intend_returns(path):
    with opened(path) as ledger:
        entry = ledger.intend(17)
        assert rows(path) == [(entry, "google", 17, "2026-11", "2026-11-23T00:00:00Z", 7_000, None)]
        ledger.settle(entry, "fetched")
        assert rows(path)[0][-1] == "fetched"
        with pytest.raises(KeyError):
            ledger.settle(entry + 1, "fetched")


def test_several_are_settled_together_or_not_at_all(path):
    with opened(path) as ledger:
        first, second = ledger.intend(1), ledger.intend(2)
        with pytest.raises(KeyError):
            ledger.settle_all({first: "fetched", second + 1: "fetched"})
        assert [row[-1] for row in rows(path)] == [None, None]
        ledger.settle_all({first: "fetched", second: "failed"})
        assert [row[-1] for row in rows(path)] == ["fetched", "failed"]


def test_an_intention_without_outcome_counts_for_ever(path):
    with opened(path) as ledger:
        ledger.settle(ledger.intend(1), "failed")
        ledger.intend(1)
    with opened(path) as ledger:
        summary = ledger.summary()
        assert (summary.requests, summary.spent_micro_usd, summary.unsettled) == (2, 14_000, 1)
        assert (ledger.requests_made, ledger.spent_micro_usd, ledger.used_this_month) == (2, 14_000, 2)
        assert (summary.requests_left, summary.left_micro_usd) == (998, 986_000)


@pytest.mark.parametrize(("usd", "photos"), [(0.0, 0), (0.0069, 0), (0.007, 1), (0.0139, 1), (0.7, 100), (0.29, 41)])
def test_the_ceiling_of_money_is_reached_and_not_exceeded(path, usd, photos):
    with opened(path, usd=usd) as ledger:
        made, message = spend_all(ledger)
    assert made == photos
    assert len(rows(path)) == photos, "what is refused is not written down"
    for words in (f"{photos * 0.007:.2f} dollars are spent", f"{photos} image requests", "0.0070", "--max-cost"):
        assert words in message


def test_the_ceiling_of_requests(path):
    with opened(path, usd=0, photos=5, price=None) as ledger:
        made, message = spend_all(ledger)
    assert made == 5
    for words in ("5 image requests", "budget.max_photos allows 5", "--max-photos", "goes on from here"):
        assert words in message


def test_the_ceilings_hold_over_all_sources_and_all_runs(path):
    with opened(path, source="panoramax", photos=7, price=None) as ledger:
        for photo in range(4):
            ledger.intend(photo)
    with opened(path, photos=7) as ledger:
        assert spend_all(ledger)[0] == 3
        assert ledger.used_this_month == 3
    with opened(path, photos=8) as ledger:
        assert spend_all(ledger)[0] == 1


def test_free_sources_cost_nothing_even_where_all_is_spent(path):
    with opened(path, usd=0.007) as ledger:
        spend_all(ledger)
    with opened(path, source="panoramax", usd=0, price=None) as ledger:
        ledger.intend(1)
        assert ledger.spent_micro_usd == 7_000


def used_before(path, requests, month="2026-11", cost=0):
    Catalog(path).close()
    with closing(sqlite3.connect(path)) as db, db:
        row = ("google", 1, month, "2026-11-01T00:00:00Z", cost)
        db.executemany(
            "INSERT INTO ledger (source, photo_id, month, asked_at, cost_micro_usd) VALUES (?, ?, ?, ?, ?)",
            [row] * requests,
        )


def test_the_price_is_that_of_the_months_next_image(path):
    used_before(path, 9_998)
    with opened(path, photos=20_000, price=cost_micro_usd) as ledger:
        for photo in range(4):
            ledger.intend(photo)
    assert [row[5] for row in rows(path)[-4:]] == [0, 0, 7_000, 7_000]


def test_the_free_part_comes_back_at_midnight_pacific_time(path):
    used_before(path, 10_000)
    costs = []
    for moment in ("2026-12-01T07:59:59+00:00", "2026-12-01T08:00:00+00:00"):
        with opened(path, photos=20_000, price=cost_micro_usd, now=datetime.fromisoformat(moment)) as ledger:
            ledger.intend(1)
            costs.append((rows(path)[-1][3], rows(path)[-1][5], ledger.used_this_month))
    assert costs == [("2026-11", 7_000, 10_001), ("2026-12", 0, 1)]


def test_several_threads_share_one_ledger(path):
    """No two get the same entry, and together they stop at the ceiling."""
    entries, lock = [], threading.Lock()
    with opened(path, usd=0.7) as ledger:

        def work():
            while True:
                try:
                    entry = ledger.intend(1)
                except BudgetError:
                    return
                ledger.settle(entry, "fetched")
                with lock:
                    entries.append(entry)

        threads = [threading.Thread(target=work) for _ in range(6)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert ledger.summary().unsettled == 0
    assert sorted(entries) == list(range(1, 101))


def test_power_cuts_are_provided_for_where_money_is_at_stake(path):
    for price, level in ((seven_tenths_of_a_cent, 2), (None, 1)):
        with opened(path, price=price) as ledger:
            assert ledger._db.execute("PRAGMA synchronous").fetchone()[0] == level
            assert ledger._db.execute("PRAGMA journal_mode").fetchone()[0] == "wal"


def test_a_ledger_that_cannot_be_written_lets_nothing_leave(path, monkeypatch):
    monkeypatch.setattr("machinami.collect.ledger._WAIT_S", 0.05)
    with opened(path) as ledger, Catalog(path) as catalog:
        with catalog.transaction(), pytest.raises(ProjectError, match="cannot be kept.*locked"):
            ledger.intend(1)
        assert ledger.intend(1) == 1, "afterwards it goes on"
    with pytest.raises(ProjectError):
        ledger.intend(1)


def test_a_price_that_fails_writes_nothing(path):
    def fail(nth):
        raise ValueError(nth)

    with opened(path, price=fail) as ledger:
        with pytest.raises(ValueError):
            ledger.intend(1)
        assert ledger.requests_made == 0


@pytest.mark.parametrize(("usd", "micro"), [(0.0, 0), (0.1, 100_000), (0.29, 290_000), (1e9, 10**15), (1e-7, 0)])
def test_dollars_as_written(usd, micro):
    assert to_micro_usd(usd) == micro


# --- killed, and side by side --------------------------------------------------------------------------------

SPEND = """
import sys
from pathlib import Path
from machinami.collect.ledger import Ledger
from machinami.config import BudgetConfig
from machinami.errors import BudgetError

def price(nth):
    return 1_000 + nth % 7 * 100

budget = BudgetConfig(max_cost_usd=float(sys.argv[3]), max_photos=10**6)
ledger = Ledger(Path(sys.argv[1]), source="google", budget=budget, price=price)
with ledger, open(sys.argv[2], "ab", 0) as left:
    print("ready", flush=True)
    while True:
        try:
            ledger.intend(1)
        except BudgetError:
            break
        left.write(b"x")
"""


def spend(path, side, usd):
    work = subprocess.Popen([sys.executable, "-c", SPEND, str(path), str(side), str(usd)], stdout=subprocess.PIPE)
    assert work.stdout.readline() == b"ready\n"
    return work


def prices(count):
    return [1_000 + n % 7 * 100 for n in range(1, count + 1)]


def test_killed_at_any_moment_it_never_spends_more_than_it_says(path, tmp_path):
    """Whatever left is in the file, at the right price, and the file never exceeds the ceiling."""
    ceiling, side, kills = 2.0, tmp_path / "left", 0
    chance = random.Random(5)
    for _ in range(8):
        start = side.stat().st_size if side.exists() else 0
        work = spend(path, side, ceiling)
        enough = start + chance.randrange(1, 100)
        while work.poll() is None and side.stat().st_size < enough:
            time.sleep(chance.uniform(0, 0.002))
        kills += work.poll() is None
        work.kill()
        work.communicate()
        costs = [row[5] for row in rows(path)]
        left = side.stat().st_size
        assert costs == prices(len(costs))
        assert left <= len(costs), "something left that is not in the ledger"
        assert sum(costs) <= ceiling * 1e6
    assert kills >= 5, "most were still at work"
    work = spend(path, side, ceiling)
    assert work.communicate(timeout=60)
    assert work.returncode == 0
    costs = [row[5] for row in rows(path)]
    assert ceiling * 1e6 - 1_700 < sum(costs) <= ceiling * 1e6, "what is left of it buys no further image"


def test_two_processes_never_exceed_it_together(path, tmp_path):
    works = [spend(path, tmp_path / name, 0.9) for name in "ab"]
    assert [work.communicate(timeout=60) and work.returncode for work in works] == [0, 0]
    costs = [row[5] for row in rows(path)]
    assert costs == prices(len(costs)), "each image has its own place in the month"
    assert 900_000 - 1_700 < sum(costs) <= 900_000
    assert sum((tmp_path / name).stat().st_size for name in "ab") == len(costs)
