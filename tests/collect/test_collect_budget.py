"""Ceilings over the life of a project, the plan before and after, and nobody collects unasked."""

import json
import os
import pty
import select
import subprocess
import time

import pytest

from machinami.errors import BudgetError
from machinami.project import Project
from machinami.sources.prices import TIERS, billing_month
from tests.servers.projects import PLACES, command, environment, write_project

KEYS = {"GOOGLE_MAPS_API_KEY": "AIzaTestKey", "GOOGLE_MAPS_SIGNING_SECRET": "bXlrZXk="}


@pytest.fixture
def server(serve):
    return serve("google")


@pytest.fixture
def root(server, tmp_path):
    return write_project(tmp_path / "p", "google", server.url, sampling={"per_place": 6})


@pytest.fixture
def used_up(root):
    """The month's free images are used up, so that each costs 0.007 dollars."""
    project = Project.open(root)
    with project.catalog() as catalog, catalog.transaction():
        from datetime import UTC, datetime

        row = ("google", 0, billing_month(datetime.now(UTC)), "2026-01-01T00:00:00Z", 0, "fetched")
        catalog._db.executemany(
            "INSERT INTO ledger (source, photo_id, month, asked_at, cost_micro_usd, outcome) VALUES (?, ?, ?, ?, ?, ?)",
            [row] * TIERS[0].last,
        )
    write_project(
        root, "google", project.config().source.base_url, sampling={"per_place": 6}, budget={"max_photos": 20_000}
    )
    return root


def images(server):
    return server.stats()["by_kind"].get("image", 0)


def test_the_ceiling_of_requests_holds_over_all_runs(server, root, collect, found):
    for most, kept in ((3, 3), (3, 3), (8, 8), (8, 8)):
        ran = collect(root, "--max-photos", most, code=BudgetError.exit_code)
        assert f"budget.max_photos allows {most}" in ran.err
        assert "--max-photos" in ran.err
        assert "it goes on from here" in ran.err
        by_place = json.loads(ran.out)["by_place"]  # what was collected is told all the same
        assert sum(by_place.values()) == kept
        assert abs(by_place["east"] - by_place["west"]) <= 2, "a ceiling leaves the places even"
        assert images(server) == len(found(root, state="fetched")) == kept
    assert collect(root, "--max-photos", 12).json["by_place"] == dict.fromkeys(PLACES, 6)
    assert images(server) == 12, "just as many as are wanted are allowed"


def test_a_ceiling_of_nothing_asks_for_no_image(server, root, collect):
    collect(root, "--max-photos", 0, code=BudgetError.exit_code)
    assert images(server) == 0


def test_the_ceiling_of_money_holds_over_all_runs(server, used_up, collect, found):
    for usd, kept in ((0.0, 0), (0.0069, 0), (0.02, 2), (0.02, 2), (0.05, 7)):
        ran = collect(used_up, "--max-cost", usd, code=BudgetError.exit_code)
        assert "budget.max_cost_usd allows" in ran.err
        assert "--max-cost" in ran.err
        assert images(server) == len(found(used_up, state="fetched")) == kept
    report = collect(used_up, "--max-cost", 0.084).json
    assert report["cost_usd"] == pytest.approx(5 * 0.007)
    assert images(server) == 12


def test_repeats_count_as_paid(server, used_up, collect):
    server.set_faults(server_error=1.0, kinds=("image",))
    collect(used_up, "--max-cost", 0.07, code=BudgetError.exit_code)
    assert images(server) == 10
    server.set_faults(server_error=0.0)
    collect(used_up, "--max-cost", 0.07, code=BudgetError.exit_code)
    assert images(server) == 10


def test_the_plan_tells_what_is_still_to_come(server, used_up, collect, machinami):
    before = machinami("plan", used_up, "--json").json
    assert (before["total"]["photos"], before["total"]["cost_usd"]) == (12, pytest.approx(0.084))
    assert (before["money"]["suffices"], before["money"]["used_this_month"]) == (False, TIERS[0].last)
    assert before["requests_left"] == 10_000
    assert server.stats()["requests"] == 0
    collect(used_up, "--max-cost", 0.05, code=BudgetError.exit_code)
    between = machinami("plan", used_up, "--json", "--max-cost", 1).json
    assert (between["total"]["photos"], between["money"]["spent_usd"]) == (5, pytest.approx(0.049))
    assert between["money"]["left_usd"] == pytest.approx(0.951)
    collect(used_up, "--max-cost", 1)
    after = machinami("plan", used_up, "--json").json
    assert (after["total"]["photos"], after["total"]["cost_usd"], after["money"]) == (0, 0, None)
    assert after["requests_left"] == 10_000 - 12


def test_without_a_terminal_and_without_yes_nothing_is_collected(server, root):
    ran = subprocess.run(
        command("collect", root), env=environment(**KEYS), stdin=subprocess.DEVNULL, capture_output=True, text=True,
        check=False,
    )  # fmt: skip
    assert ran.returncode == 2
    assert "nobody is there to agree" in ran.stderr
    assert "photos wanted" in ran.stdout, "the plan was shown"
    assert server.stats()["requests"] == 0


@pytest.mark.parametrize(
    ("answer", "code", "requests"),
    [("n\n", 130, 0), pytest.param("\n", 130, 0, marks=pytest.mark.slow), ("y\n", 0, 12)],
)
def test_at_a_terminal_it_asks(server, root, answer, code, requests):
    parent, child = pty.openpty()
    process = subprocess.Popen(
        command("collect", root), env=environment(**KEYS), stdin=child, stdout=child, stderr=child
    )
    os.close(child)
    shown = read_until(parent, "Collect?")
    assert "photos wanted" in shown
    os.write(parent, answer.encode())
    shown += read_until(parent, None)
    assert process.wait(timeout=60) == code, shown
    os.close(parent)
    assert images(server) == requests


def read_until(file, text, *, longest_s=60):
    """What comes until `text` does, or until nobody writes any more."""
    shown, until = "", time.monotonic() + longest_s
    while (text is None or text not in shown) and time.monotonic() < until:
        if select.select([file], [], [], 0.1)[0]:
            try:
                part = os.read(file, 4096)
            except OSError:  # Linux says so when the other side is closed
                break
            if not part:
                break
            shown += part.decode(errors="replace")
    return shown
