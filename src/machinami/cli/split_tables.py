"""What `machinami split` prints: photos by place and fold, distances from test to training photos, what leaked."""

from typing import TYPE_CHECKING

import click

from machinami.cli.output import print_table

if TYPE_CHECKING:  # numpy comes with it
    from machinami.split import Split

__all__ = ["print_split"]


def print_split(split: "Split") -> None:
    """The report of a split, in two tables and some lines."""
    report = split.report
    roles = (
        {split.fold: "test", (split.fold + 1) % split.folds: "validation"} if split.folds > 2 else {split.fold: "test"}
    )
    folds = sorted({fold for counts in report.fold_counts.values() for fold in counts}, key=lambda f: (f < 0, f))
    names = [
        f"fold {fold}" + (f", {roles[fold]}" if fold in roles else "") if fold >= 0 else "in none" for fold in folds
    ]
    rows = [
        (place, *(f"{counts[f].photos} in {counts[f].blocks}" if f in counts else None for f in folds))
        for place, counts in report.fold_counts.items()
    ]
    click.echo(f"Photos in blocks ({split.strategy}):")
    print_table(["place", *names], rows)
    click.echo("\nPhotos for each use, and left out:")
    print_table(
        ["place", "test", "validation", "training", "near duplicates", "buffer"],
        [
            (
                place,
                *(
                    f"{subsets[subset].photos} in {subsets[subset].blocks}"
                    for subset in ("test", "validation", "train")
                ),
                *(report.dropped_counts[place][reason] for reason in ("near-duplicate", "buffer")),
            )
            for place, subsets in report.counts.items()
        ],
    )
    click.echo()
    for line in _lines(split):
        click.echo(line)


def _lines(split: "Split") -> list[str]:
    report, metres = split.report, split.report.test_to_train_m
    lines = [
        "The distance from test to training photos is not known"
        if metres is None
        else f"Test photos to the nearest training photo: {metres.min:.0f} m at least, "
        f"{metres.p5:.0f} m (5 %), {metres.p10:.0f} m (10 %), {metres.median:.0f} m (half of them)"
    ]
    lines.append(f"Near duplicates across folds: {report.near_duplicates_across}")
    cut = {"chains of photos on one spot": report.cut_chains, "sequences": report.cut_sequences}
    cut["contributors' days"] = report.cut_days
    told = [f"{count} {what}" for what, count in cut.items() if count]
    if told:
        lines.append(f"Wider than a block, and cut at its edges: {', '.join(told)}")
    return [*lines, f"Digest: {split.digest}"]
