"""A paid collection killed a hundred times at random moments, as JSON: kills, spent, ceiling, billed, lost, seconds.

    python bench/collect_kill.py [--kills 100] [--check]

A local Street View server counts what it would bill. Each collection is killed until its ceiling ends it, then it is
finished under a higher one and compared with one that nobody killed.
"""

import argparse
import json
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from tests.collect.kills import IN_FLIGHT, PRICE_MICRO_USD, kill_collections

MAX_COST_USD = 0.35
TARGETS = {"over_ceiling": 0, "lost": 0, "stray_files": 0, "different": 0}  # at most


def main() -> int:
    """Print the figures; with --check the exit code says whether they are as they should be."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, default=100)
    parser.add_argument("--check", action="store_true")
    arguments = parser.parse_args()
    began = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        report = kill_collections(Path(folder), kills=arguments.kills, max_cost_usd=MAX_COST_USD)
    figures = {
        "kills": report.kills,
        "collections": report.collections,
        "ceiling_usd": report.ceiling / 1e6,  # of each collection
        "spent_usd": max(report.spent) / 1e6,  # by the ledger, the most of any
        "billed_usd": max(report.billed) * PRICE_MICRO_USD / 1e6,  # by the server, the most of any
        "billed": sum(report.billed),  # images, of all collections, when their ceilings had ended them
        "over_ceiling": report.over,
        "paid_twice": report.paid_twice,  # images that were under way at a kill, at most in_flight each
        "in_flight": IN_FLIGHT,
        "lost": report.lost,
        "stray_files": report.stray,
        "different": report.different,
        "seconds": round(time.monotonic() - began, 1),
    }
    print(json.dumps(figures, indent=1))
    missed = [f"{name}: {figures[name]}, at most {most}" for name, most in TARGETS.items() if figures[name] > most]
    if arguments.check and missed:
        print(missed[0])
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
