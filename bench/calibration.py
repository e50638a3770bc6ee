"""How well probabilities hold, before and after the temperature, on the test blocks of finished projects, as JSON.

    python bench/calibration.py PROJECT … [--check]

The difference of the two errors comes with its interval: blocks are drawn again, within each place, for both at once.
Beside it stands the error that a calibrated network with these probabilities would show.
"""

import argparse
import json
import sys
from pathlib import Path
from typing import Any

import numpy as np

from machinami.evaluate.calibration import expected_ece
from machinami.evaluate.metrics import expected_calibration_error, softmax
from machinami.evaluate.predictions import read_predictions
from machinami.models.card import read_card
from machinami.project import Project

SMALL = 0.03  # an error that may stay, whatever the number of photos
DRAWS = 1000


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("projects", type=Path, nargs="+")
    parser.add_argument("--check", action="store_true", help="exit 1 where scaling harms, or an error is too large")
    arguments = parser.parse_args()
    rows = [measure(Project.open(folder)) for folder in arguments.projects]
    print(json.dumps(rows, indent=1, ensure_ascii=False))
    failed = [row["project"] for row in rows if row["worse"] or not row["as_calibrated"]]
    if arguments.check and failed:
        print(f"falls short: {', '.join(failed)}", file=sys.stderr)
        sys.exit(1)


def measure(project: Project) -> dict[str, Any]:
    """One project's errors."""
    said, temperature = read_predictions(project.predictions, split="test"), read_card(project.model).temperature
    labels = np.array([said.places.index(place) for place in said.place])
    scaled = said.probabilities.astype(float)
    raw = softmax(np.log(np.maximum(scaled, 1e-12)) * temperature)
    after, before = (expected_calibration_error(labels, chances) or 0.0 for chances in (scaled, raw))
    low, high = np.percentile(differences(labels, scaled, raw, said.block), [2.5, 97.5])
    band = expected_ece(scaled, draws=DRAWS, seed=0) or {"mean": 0.0, "high": 0.0}
    return {
        "project": project.root.name,
        "photos": len(labels),
        "blocks": len(set(said.block)),
        "temperature": round(temperature, 3),
        "ece_before": round(before, 4),
        "ece_after": round(after, 4),
        "after_minus_before": {"value": round(after - before, 4), "low": round(low, 4), "high": round(high, 4)},
        "ece_of_a_calibrated_network": band,
        "worse": bool(low > 0),
        "as_calibrated": bool(after <= max(SMALL, band["high"])),
    }


def differences(labels: Any, scaled: Any, raw: Any, blocks: Any) -> list[float]:
    """The error after scaling less that before it, of blocks drawn again within each place."""
    rng, names = np.random.default_rng(0), np.asarray(blocks)
    rows_of = {
        place: [np.flatnonzero((names == name) & (labels == place)) for name in np.unique(names[labels == place])]
        for place in np.unique(labels)
    }
    found = []
    for _ in range(DRAWS):
        rows = np.concatenate(
            [parts[pick] for parts in rows_of.values() for pick in rng.integers(len(parts), size=len(parts))]
        )
        pair = [expected_calibration_error(labels[rows], chances[rows]) or 0.0 for chances in (scaled, raw)]
        found.append(pair[0] - pair[1])
    return found


if __name__ == "__main__":
    main()
