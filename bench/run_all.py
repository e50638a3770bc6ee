"""Runs the benchmarks that need nothing but this machine, and writes docs/performance.md: `make bench`."""

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

BENCH = Path(__file__).parent
PAGE = BENCH.parent / "docs" / "performance.md"
# folds.py wants a project of real photos, so it is run by hand
BENCHMARKS = ("gradcam", "gradcam_equality", "explain_cost", "town", "collect", "duplicates", "split")
LEFT_OUT = {"samples"}  # for machines
HEAD = """# Performance

<!-- Made by bench/run_all.py: run `make bench`. -->

Figures of one machine on one day: compare the rows of a table, not machines. `python bench/NAME.py --check` compares
with the targets at the top of the benchmark.
"""


def run_benchmark(name: str) -> dict[str, Any]:
    """What the benchmark printed; where it fails, this run ends, its own message above."""
    command = [sys.executable, str(BENCH / f"{name}.py")]
    found: dict[str, Any] = json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout)
    return found


def section(name: str, found: dict[str, Any], *, level: int = 2) -> Iterator[str]:
    """Paragraphs of Markdown: plain figures as a list, objects of the same figures as a table, the rest below."""
    yield f"{'#' * level} {name}"
    plain = {key: value for key, value in found.items() if not isinstance(value, dict) and key not in LEFT_OUT}
    if plain:
        yield "\n".join(f"- {key}: {cell(value)}" for key, value in plain.items())
    inner = {key: value for key, value in found.items() if isinstance(value, dict) and key not in LEFT_OUT}
    flat = {key: value for key, value in inner.items() if not any(isinstance(v, dict) for v in value.values())}
    for columns in dict.fromkeys(tuple(value) for value in flat.values()):
        yield table({key: value for key, value in flat.items() if tuple(value) == columns}, columns)
    for key, value in inner.items():
        if key not in flat:
            yield from section(key, value, level=level + 1)


def table(rows: dict[str, dict[str, Any]], columns: tuple[str, ...]) -> str:
    """A Markdown table with a row for each object."""
    lines = [["", *columns], ["---"] * (len(columns) + 1)]
    lines += [[key, *(cell(row[column]) for column in columns)] for key, row in rows.items()]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def cell(value: object) -> str:
    """A value as it is read: four figures, a dash for what there is not."""
    if value is None:
        return "–"
    if isinstance(value, list):
        return ", ".join(map(cell, value))
    return f"{value:.4g}" if isinstance(value, float) else str(value).replace("|", "\\|")


def main() -> None:
    """Run all, then write the page."""
    paragraphs: list[str] = []
    for name in BENCHMARKS:
        print(f"bench/{name}.py", file=sys.stderr, flush=True)
        paragraphs += section(name, run_benchmark(name))
    PAGE.write_text("\n\n".join([HEAD.rstrip(), *paragraphs]) + "\n", encoding="utf-8")
    print(PAGE)


if __name__ == "__main__":
    main()
