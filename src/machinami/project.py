"""The project folder: where everything lies, one writer at a time, and a line for every stage run."""

import json
import os
import platform
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime, timedelta
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from machinami.catalog import Catalog
from machinami.config import Config
from machinami.config_file import CONFIG_NAME, load_config
from machinami.errors import Interrupted, ProjectError
from machinami.files import read_json

__all__ = ["Project", "StageRun"]

_VERSIONED = ("machinami", "torch", "torchvision", "timm", "numpy", "pillow", "scikit-learn")


@dataclass(slots=True)
class StageRun:
    """What a stage notes about itself while it runs; written to runs.jsonl when it ends."""

    stage: str
    inputs: str  # digest of everything the result depends on
    notes: dict[str, Any] = field(default_factory=dict)  # e.g. counts, device, digests


@dataclass(frozen=True, slots=True)
class Project:
    """A project folder. Its files have fixed names; nothing is read before it is asked for."""

    root: Path

    @classmethod
    def open(cls, path: Path | str) -> "Project":
        """The project in a folder. Raises ProjectError where there is no machinami.toml."""
        root = Path(path)
        if not (root / CONFIG_NAME).is_file():
            raise ProjectError(f"{root} is not a project (no {CONFIG_NAME}): make one with `machinami new {root}`")
        return cls(root)

    @property
    def config_file(self) -> Path:
        """What the user wrote."""
        return self.root / CONFIG_NAME

    @property
    def catalog_file(self) -> Path:
        """The table of all photos."""
        return self.root / "catalog.sqlite"

    @property
    def photos(self) -> Path:
        """Image files, named by content."""
        return self.root / "photos"

    @property
    def masks(self) -> Path:
        """Region masks, one a photo."""
        return self.root / "masks"

    @property
    def cache(self) -> Path:
        """What can be made again; safe to delete."""
        return self.root / "cache"

    @property
    def split_file(self) -> Path:
        """Which block is for what."""
        return self.root / "split.json"

    @property
    def split_map(self) -> Path:
        """A picture of the blocks."""
        return self.root / "split.svg"

    @property
    def model(self) -> Path:
        """The trained model with its card."""
        return self.root / "model"

    @property
    def evaluation_file(self) -> Path:
        """The figures."""
        return self.root / "evaluation.json"

    @property
    def predictions(self) -> Path:
        """A row a photo, in Parquet parts."""
        return self.root / "predictions"

    @property
    def explanations(self) -> Path:
        """Heatmaps and what follows from them."""
        return self.root / "explanations"

    @property
    def report_file(self) -> Path:
        """The page to read."""
        return self.root / "report.html"

    @property
    def rejected_file(self) -> Path:
        """The contact sheet of the photos that a check took out."""
        return self.root / "rejected.html"

    @property
    def runs_file(self) -> Path:
        """A line for every stage run."""
        return self.root / "runs.jsonl"

    def config(self) -> Config:
        """The settings, read afresh. Raises ConfigError."""
        return load_config(self.config_file)

    def catalog(self) -> Catalog:
        """The catalogue, opened; it is made where there is none."""
        return Catalog(self.catalog_file)

    def path_of(self, file: str) -> Path:
        """Where a file of the catalogue lies: relative ones are inside the project."""
        return self.root / file

    @contextmanager
    def lock(self, stage: str) -> Iterator[None]:
        """One command writes at a time; the second is told who holds the project, since when."""
        owner = self.cache / "lock.json"
        lock = FileLock(self.cache / "lock")
        try:
            self.cache.mkdir(parents=True, exist_ok=True)
            lock.acquire(timeout=0)
        except Timeout as error:
            raise ProjectError(f"{self.root} is in use by {_describe(owner)}: wait for it to end") from error
        except OSError as error:
            raise _unwritable(self.cache, error) from error
        try:
            self._note_owner(owner, stage)
            yield
        finally:
            owner.unlink(missing_ok=True)
            lock.release()

    def _note_owner(self, owner: Path, stage: str) -> None:
        try:
            for leftover in self.cache.glob(".*.part*"):  # half-written by a process that was killed
                leftover.unlink(missing_ok=True)
            owner.write_text(
                json.dumps({"stage": stage, "pid": os.getpid(), "host": platform.node(), "since": time.time()})
            )
        except OSError as error:
            raise _unwritable(self.cache, error) from error

    @contextmanager
    def stage(self, stage: str, *, inputs: str, config: Config) -> Iterator[StageRun]:
        """Hold the lock, and write a line to runs.jsonl that tells how the stage went."""
        run = StageRun(stage, inputs)
        with self.lock(stage):
            started_at, clock = datetime.now(UTC), time.perf_counter()
            outcome = "failed"
            try:
                yield run
                outcome = "done"
            except (KeyboardInterrupt, Interrupted):
                outcome = "interrupted"
                raise
            finally:
                line = {
                    "stage": stage,
                    "outcome": outcome,
                    "started_at": started_at.isoformat(timespec="seconds"),
                    "seconds": round(time.perf_counter() - clock, 3),
                    "peak_memory_mb": peak_memory_mb(),
                    "inputs": run.inputs,
                    **run.notes,
                    "seed": config.seed,
                    "config": asdict(config),
                    "versions": versions(),
                }
                self._append(line)

    def _append(self, line: dict[str, Any]) -> None:
        """Add one line; a half-written last line (power cut) is closed first, so that it spoils no other."""
        text = json.dumps(line, ensure_ascii=False, default=str) + "\n"
        try:
            with self.runs_file.open("a+b") as file:
                if file.tell() > 0:
                    file.seek(-1, os.SEEK_END)
                    if file.read(1) != b"\n":
                        text = "\n" + text
                file.write(text.encode())
                file.flush()
                os.fsync(file.fileno())
        except OSError as error:
            raise _unwritable(self.runs_file, error) from error

    def runs(self) -> list[dict[str, Any]]:
        """The lines of runs.jsonl that can be read, oldest first. Raises ProjectError where the file cannot be."""
        try:
            text = self.runs_file.read_text(encoding="utf-8", errors="replace")
        except FileNotFoundError:
            return []
        except OSError as error:
            raise ProjectError(f"{self.runs_file} cannot be read ({error.strerror}): check its rights") from error
        lines = []
        for one in text.split("\n"):  # only \n ends a line here
            try:
                line = json.loads(one)
            except (ValueError, RecursionError):
                continue  # cut short by a crash: the stage it belonged to counts as not done
            if isinstance(line, dict) and isinstance(line.get("stage"), str):
                lines.append(line)
        return lines

    def last_done(self, stage: str) -> dict[str, Any] | None:
        """The last line of a stage that ended well, or None; a line that lacks what every run notes does not count."""
        done = [line for line in self.runs() if line["stage"] == stage and line.get("outcome") == "done"]
        return next((line for line in reversed(done) if _is_whole(line)), None)


def _is_whole(line: dict[str, Any]) -> bool:
    """Whether a line of runs.jsonl tells what the run was made from, when it began and how long it took."""
    try:
        datetime.fromisoformat(line["started_at"]) + timedelta(seconds=line["seconds"])
    except (KeyError, TypeError, ValueError, OverflowError):
        return False
    return isinstance(line.get("inputs"), str)


def _unwritable(path: Path, error: OSError) -> ProjectError:
    return ProjectError(f"{path} cannot be written ({error.strerror or error}): make room, or check its rights")


def peak_memory_mb() -> float | None:
    """The most memory this process has held so far, MiB; None where the system does not tell."""
    try:
        import resource
    except ImportError:  # not on Windows
        return None
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return round(peak / (1024**2 if sys.platform == "darwin" else 1024), 1)


def versions() -> dict[str, str]:
    """Versions of Python and of the packages that results depend on, without importing them."""
    found = {"python": platform.python_version()}
    for name in _VERSIONED:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found


def _describe(owner: Path) -> str:
    try:
        facts = read_json(owner)
        minutes = (time.time() - float(facts["since"])) / 60
        return f"`machinami {facts['stage']}` (process {facts['pid']} on {facts['host']}, for {minutes:.0f} min)"
    except (OSError, ValueError, KeyError, TypeError):
        return "another command"
