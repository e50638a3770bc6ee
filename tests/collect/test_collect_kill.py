"""A paid collection that is killed at any moment: never over its ceiling, nothing lost, and in the end the same."""

import os
import signal
import time

import pytest

from tests.collect.kills import IN_FLIGHT, PRICE_MICRO_USD, kill_collections
from tests.servers.projects import PLACES, start, write_project

KEYS = {"GOOGLE_MAPS_API_KEY": "AIzaTestKey"}
POSIX = pytest.mark.skipif(os.name != "posix", reason="SIGKILL and SIGINT are matters of POSIX")


@POSIX
@pytest.mark.slow
@pytest.mark.parametrize("kills", [12])
def test_no_kill_makes_a_collection_dearer_than_its_ceiling_or_loses_a_photo(kills, tmp_path):
    report = kill_collections(tmp_path, kills=kills, max_cost_usd=0.35)
    assert report.kills >= kills
    assert report.ceiling == 350_000
    assert report.over == 0
    for billed, spent in zip(report.billed, report.spent, strict=True):
        assert billed * PRICE_MICRO_USD <= spent <= report.ceiling
        assert spent == report.ceiling, "the ceiling was reached"
    assert report.paid_twice <= IN_FLIGHT * report.kills
    assert (report.lost, report.stray, report.different) == (0, 0, 0)


@POSIX
@pytest.mark.parametrize(
    "fault",
    [pytest.param({"slow": 1.0, "delay_s": 0.1}, marks=pytest.mark.slow), {"server_error": 1.0}],
    ids=["at-work", "waiting"],
)
def test_ctrl_c_stops_soon_and_leaves_what_the_same_command_goes_on_from(fault, serve, collect, found, tmp_path):
    server = serve("google", secret=None)
    server.set_faults(kinds=("image",), **fault)
    root = write_project(tmp_path / "p", "google", server.url, sampling={"per_place": 20})
    process = start("collect", root, "--yes", "-q", keys=KEYS, start_new_session=True)
    while server.stats()["by_kind"].get("image", 0) < 9:
        time.sleep(0.01)
        assert process.poll() is None, process.communicate()
    began = time.monotonic()
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=60)
    assert time.monotonic() - began < 4, "it did not wait for a host's next try"
    assert (process.returncode, out) == (130, "")
    assert "Stopped. What was finished is kept" in err
    assert "Traceback" not in err
    server.set_faults(slow=0.0, server_error=0.0)
    assert collect(root).json["by_place"] == dict.fromkeys(PLACES, 20)
    again = sum(server.billed().values()) - len(server.billed())
    assert again == 0, "what was under way was waited for"
    assert {f"{p.panorama}@{round(p.heading_deg, 2) % 360:g}" for p in found(root, state="fetched")} == set(
        server.billed()
    )
