"""What `machinami evaluate` prints: first whether the figure can be believed, then what that rests on."""

from collections.abc import Iterator, Mapping
from typing import Any

import click

from machinami.cli.output import points, print_table, share
from machinami.enough import BLOCKS_FOR_TRUST
from machinami.report.data import scores_of
from machinami.report.texts import NO_BREAK
from machinami.report.verdict import LINKED, Ground, verdict_sentence

__all__ = ["first_sentence", "print_evaluation", "print_matched"]

_SIMPLER = {"metadata": "metadata alone", "colour": "colours alone", "majority": "always the commonest place"}
_MOST_COLUMNS = 4  # that the baseline on metadata is said to rest on


def print_evaluation(figures: Mapping[str, Any], labels: Mapping[str, str], *, ground: Ground) -> None:
    """The first screen. `labels` of the places by key; `ground`: what the test photos are."""
    click.echo(first_sentence(figures, labels, ground=ground))
    for line in _warnings(figures):
        click.echo(line)
    click.echo()
    print_table(["", "balanced accuracy", ""], _rivals(figures), left=(0, 2))
    linked = [row for row in figures["confounds"] or () if row["verdict"] in LINKED]
    if linked:
        click.echo()
        rows = [(row["column"], row["verdict"], f"{row['cramers_v']:.2f}", row["detail"]) for row in linked]
        print_table(["goes with the place", "", "V", "where it shows most"], rows, left=(0, 1, 3))
    click.echo()
    for line in _facts(figures):
        click.echo(line)
    click.echo()
    print_table(["place", "photos", "blocks", "precision", "recall", "F1"], _per_place(figures))


def first_sentence(figures: Mapping[str, Any], labels: Mapping[str, str], *, ground: Ground) -> str:
    """The verdict and the figure; the figure alone where there is no verdict."""
    said = verdict_sentence(scores_of(figures, labels), ground, "en")
    if said is not None:
        return said.replace(NO_BREAK, " ")
    return f"Balanced accuracy {share(figures['test']['balanced_accuracy'])} over {figures['test']['blocks']} blocks."


def _warnings(figures: Mapping[str, Any]) -> Iterator[str]:
    verdict, test = figures["verdict"] or {"code": ""}, figures["test"]
    if figures["branded"] and verdict["code"] != "random-split":
        yield figures["branded"]
    if test["blocks"] < BLOCKS_FOR_TRUST:
        has_interval = (test["balanced_accuracy"] or {}).get("low") is not None
        rough = (
            "the interval is rough, and rather too short"
            if has_interval
            else "with a single block of a place there is no interval"
        )
        yield f"Warning: {_blocks(test['blocks'])}, fewer than {BLOCKS_FOR_TRUST}: {rough}."


def _rivals(figures: Mapping[str, Any]) -> Iterator[tuple[str, str, str]]:
    """The network, the same recipe on a random split, and simpler means, all by balanced accuracy."""
    test, random, simpler = figures["test"], figures["random_split"], figures["baselines"]
    where = "never learned from" if figures["split"] is not None else "of another set"
    on_blocks = f"{test['photos']} photos in {_blocks(test['blocks'])} {where}"
    yield "the network", _percent(test["balanced_accuracy"]), on_blocks
    folds = figures["cross_validation"]
    if folds:
        yield "every fold once the test", _percent(folds["balanced_accuracy"]), f"{len(folds['folds'])} networks"
    if random and random["balanced_gap"] is not None:
        low, high = random["balanced_gap_low"], random["balanced_gap_high"]
        why = ": so much is memory of the ground" if low is not None and low > 0 else ""
        gap = f"gap {points(random['balanced_gap'], low, high)}{why}"
        yield "the same, random split", _plain(random["balanced_accuracy"]), gap
    if simpler:
        for name, words in _SIMPLER.items():
            why_not = simpler["reasons"].get(name, "")
            columns = ", ".join(simpler["metadata"]["columns"][:_MOST_COLUMNS]) if name == "metadata" else ""
            yield words, _plain(simpler["balanced_accuracy"][name]), why_not or columns


def _facts(figures: Mapping[str, Any]) -> Iterator[str]:
    """A line each: distance, calibration, openings, the hardest pair, what more blocks would bring."""
    test, split, curve = figures["test"], figures["split"], figures["learning_curve"]
    if split is not None:
        away = split["test_to_train_m"]
        yield (
            "Test photos to training photos: not known, the photos have no coordinates"
            if away is None
            else f"Nine in ten test photos are more than {away['p10']:.0f} m from training photos, "
            f"half more than {away['median']:.0f} m"
        )
    if test["ece"] is not None:
        yield (
            f"Percentages miss by {_points(test['ece'])} points (ECE; {_points(test['ece_uncalibrated'])} before "
            f"calibration); a calibrated network would show {_points(test['ece_expected']['mean'])}, seldom more than "
            f"{_points(test['ece_expected']['high'])}, on so many photos"
        )
    if figures["test_opened"] is not None:
        times = "once" if figures["test_opened"] == 1 else f"{figures['test_opened']} times"
        yield f"The test blocks were opened {times}"
    if len(figures["places"]) > 2 and figures["similar_pairs"]:
        pair = figures["similar_pairs"][0]
        a, b = pair["places"]
        yield f"Hardest to tell apart: {a} and {b}, {pair['mistakes']} of {pair['of']} photos mixed up"
    if curve:
        ahead = "; ".join(f"{share(step)} with {step['blocks']} blocks" for step in curve["forecast"])
        last = curve["points"][-1]
        yield f"A linear probe reaches {share(last)} from {last['blocks']} training blocks; forecast {ahead}"


def _per_place(figures: Mapping[str, Any]) -> Iterator[tuple[Any, ...]]:
    for place, row in figures["per_place"].items():
        shares = (None if row[name] is None else f"{row[name]:.3f}" for name in ("precision", "recall", "f1"))
        yield (place, row["photos"], row["blocks"], *shares)


def print_matched(figures: Mapping[str, Any], labels: Mapping[str, str], *, ground: Ground) -> None:
    """The figures of photos that share a column's values, beside those of all test photos."""
    test, matched = figures["test"], figures["matched"]
    click.echo(first_sentence(figures, labels, ground=ground))
    if figures["branded"]:
        click.echo(figures["branded"])
    column = matched["column"]
    values = "the one value" if matched["values"] == 1 else f"each of the {matched['values']} values"
    click.echo(f"\nMatched by {column}: every place has equally many photos of {values} that all of them have\n")
    print_table(
        ["", "all test photos", f"matched by {column}"],
        [
            ("balanced accuracy", _percent(test["balanced_accuracy"]), _percent(matched["balanced_accuracy"])),
            ("accuracy", _percent(test["accuracy"]), _percent(matched["accuracy"])),
            ("photos", test["photos"], matched["photos"]),
            ("blocks", test["blocks"], matched["blocks"]),
        ],
    )
    if matched["blocks"] < BLOCKS_FOR_TRUST:
        click.echo(f"\nWarning: {_blocks(matched['blocks'])}, fewer than {BLOCKS_FOR_TRUST}: a rough figure")


def _percent(figure: Mapping[str, float | None] | None) -> str:
    """A share with its interval, where it has one."""
    if figure is None or figure["low"] is None:
        return _plain(None if figure is None else figure["value"])
    return share(figure)


def _plain(value: float | None) -> str:
    return "–" if value is None else f"{100 * value:.0f} %"


def _points(value: float) -> str:
    return f"{100 * value:.1f}"


def _blocks(count: int) -> str:
    return f"{count} block" if count == 1 else f"{count} blocks"
