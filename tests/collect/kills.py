"""A paid collection that is killed again and again: what was billed, spent and lost."""

import random
import signal
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from machinami.catalog import Photo
from machinami.project import Project
from machinami.sources.prices import TIERS, billing_month, cost_micro_usd
from tests.servers.projects import start, write_project
from tests.servers.streetview import StreetViewServer
from tests.servers.world import World

__all__ = ["IN_FLIGHT", "PRICE_MICRO_USD", "KillReport", "kill_collections"]

IN_FLIGHT = 4
FREE_IMAGES = TIERS[0].last or 0
PRICE_MICRO_USD = cost_micro_usd(FREE_IMAGES + 1)
KEYS = {"GOOGLE_MAPS_API_KEY": "AIzaTestKey"}
_PER_PLACE = 40
_LONGEST_S = 300
_KILL_WITHIN_S = 0.8  # after the first question of a run


@dataclass(slots=True, kw_only=True)
class KillReport:
    """What came of it. Money in millionths of a dollar; the ceiling is that of each of the collections."""

    kills: int = 0
    collections: int = 0  # each killed until its ceiling ended it, then finished
    ceiling: int = 0
    billed: list[int] = field(default_factory=list)  # images by the server's count, when the ceiling had ended each
    spent: list[int] = field(default_factory=list)  # by the ledger, at the same time
    over: int = 0  # moments at which more was billed than the ceiling allows
    paid_twice: int = 0  # images that were under way at a kill, and billed again
    lost: int = 0  # images that were billed but are not in the catalogue in the end
    stray: int = 0  # files that no row knows, in the end
    different: int = 0  # collections that did not end like one that nobody killed


def kill_collections(folder: Path, *, kills: int, max_cost_usd: float, seed: int = 0) -> KillReport:
    """Collect, kill at random moments, go on, until so many kills have hit a run at work."""
    chance = random.Random(seed)
    report = KillReport(ceiling=round(max_cost_usd * 1e6))
    world = World(photos=3000, seed=3)
    with StreetViewServer(world, gone=0.02, cards=0.02) as server:
        server.set_faults(slow=1.0, delay_s=0.02, kinds=("image",))
        wanted = _chosen(_collect_calmly(folder / "calm", server))
        while report.kills < kills:
            server.reset()
            root = _project(folder / f"killed-{report.collections}", server)
            report.collections += 1
            before = report.kills
            for ended in _kills(root, server, max_cost_usd, chance):
                report.over += _billed(server) * PRICE_MICRO_USD > report.ceiling
                report.kills += not ended
                if ended or report.kills == kills:
                    break
            _run(root, max_cost_usd, code=17)
            report.billed.append(_billed(server))
            report.spent.append(_spent(root))
            report.over += report.billed[-1] * PRICE_MICRO_USD > report.ceiling
            _run(root, 1000.0, code=0)
            _judge(report, root, server, wanted, kills=report.kills - before)
    return report


def _project(root: Path, server: StreetViewServer) -> Path:
    """A project whose free images of the month are used up."""
    write_project(
        root, "google", server.url, sampling={"per_place": _PER_PLACE}, collect={"in_flight": IN_FLIGHT},
        budget={"max_photos": 10**6},
    )  # fmt: skip
    project = Project.open(root)
    with project.catalog() as catalog, catalog.transaction():
        month = billing_month(datetime.now(UTC))
        row = ("google", 0, month, "2026-01-01T00:00:00Z", 0, "fetched")
        catalog._db.executemany(
            "INSERT INTO ledger (source, photo_id, month, asked_at, cost_micro_usd, outcome) VALUES (?, ?, ?, ?, ?, ?)",
            [row] * FREE_IMAGES,
        )
    return root


def _collect_calmly(root: Path, server: StreetViewServer) -> list[Photo]:
    _run(_project(root, server), 1000.0, code=0)
    return _photos(root)


def _kills(root: Path, server: StreetViewServer, max_cost_usd: float, chance: random.Random) -> Iterator[bool]:
    """Start and kill; whether the run had ended by itself."""
    while True:
        asked = server.stats()["requests"]
        process = _start(root, max_cost_usd)
        while process.poll() is None and server.stats()["requests"] == asked:
            time.sleep(0.005)
        time.sleep(chance.uniform(0, _KILL_WITHIN_S))
        process.kill()
        _, said = process.communicate(timeout=_LONGEST_S)
        assert process.returncode in {17, -signal.SIGKILL}, said
        time.sleep(0.1)  # the server answers what was under way
        yield process.returncode == 17


def _start(root: Path, max_cost_usd: float) -> "subprocess.Popen[str]":
    return start("collect", root, "--yes", "-q", "--max-cost", max_cost_usd, keys=KEYS)


def _run(root: Path, max_cost_usd: float, *, code: int) -> None:
    process = _start(root, max_cost_usd)
    _, said = process.communicate(timeout=_LONGEST_S)
    assert process.returncode == code, said


def _judge(report: KillReport, root: Path, server: StreetViewServer, wanted: set[object], *, kills: int) -> None:
    photos = _photos(root)
    cards = {name for name in server.billed() if server.is_card(server.photo_of(name.partition("@")[0]))}
    names = {f"{photo.panorama}@{round(photo.heading_deg or 0, 2) % 360:g}" for photo in photos}
    report.lost += len(set(server.billed()) - cards - names)
    report.paid_twice += sum(server.billed().values()) - len(server.billed())
    known = {photo.file for photo in photos}
    files = {path.relative_to(root).as_posix() for path in (root / "photos").rglob("*") if path.is_file()}
    report.stray += len(files ^ known)
    report.different += _chosen(photos) != wanted
    assert report.paid_twice <= IN_FLIGHT * (report.kills + 1)


def _billed(server: StreetViewServer) -> int:
    return sum(server.billed().values())


def _spent(root: Path) -> int:
    with Project.open(root).catalog() as catalog:
        return int(catalog._db.execute("SELECT sum(cost_micro_usd) FROM ledger").fetchone()[0])


def _photos(root: Path) -> list[Photo]:
    with Project.open(root).catalog() as catalog:
        return list(catalog.photos(state="fetched"))


def _chosen(photos: list[Photo]) -> set[object]:
    return {(photo.source_id, photo.heading_deg, photo.sha256) for photo in photos}
