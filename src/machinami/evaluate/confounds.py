"""Whether the place of a photo can be told from how it was taken: one column of metadata after the other."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from machinami.evaluate.metadata import UNKNOWN

__all__ = ["confound_table", "cramers_v"]

# Bias-corrected V. Cohen (1988) calls 0.1 small, 0.3 medium and 0.5 large; in two places of real photos one camera
# model that took 151 of 216 photos here and none of 146 there gives 0.7.
WEAK, STRONG, CONFOUNDED = 0.1, 0.3, 0.5
PERMUTATIONS = 500
_CELLS = 4_000_000  # of exchanges x blocks, held at once
CHANCE = 0.95  # share of the exchanges of blocks between places that a V must exceed

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]


def cramers_v(table: npt.NDArray[Any]) -> Floats:
    """Bias-corrected Cramér's V, 0 … 1, of contingency tables (…, places, values); gives float64 (…).

    Bergsma (2013), equations 5 to 7. Rows and columns without photos do not count; 0 where one is left.
    """
    counts = np.asarray(table, np.float64)
    total = counts.sum(axis=(-2, -1))
    rows, columns = counts.sum(axis=-1), counts.sum(axis=-2)
    expected = rows[..., :, None] * columns[..., None, :] / np.maximum(total, 1)[..., None, None]
    parts = np.divide((counts - expected) ** 2, expected, out=np.zeros_like(counts), where=expected > 0)
    phi2 = parts.sum(axis=(-2, -1)) / np.maximum(total, 1)
    r, k = (rows > 0).sum(axis=-1), (columns > 0).sum(axis=-1)
    more = np.maximum(total - 1, 1)
    phi2 = np.maximum(0, phi2 - (k - 1) * (r - 1) / more)
    least = np.minimum(k - (k - 1) ** 2 / more, r - (r - 1) ** 2 / more) - 1
    return np.asarray(np.sqrt(np.divide(phi2, least, out=np.zeros_like(phi2), where=least > 0)).clip(0, 1))


def confound_table(
    columns: Mapping[str, Sequence[str]],
    labels: Ints,
    blocks: Sequence[str],
    *,
    places: Sequence[str],
    near: Mapping[str, bool],
    seed: int,
) -> list[dict[str, Any]]:
    """The part "confounds" of evaluation.json, the strongest column first.

    The verdict is "none", "weak", "strong" or "confounded". Photos of one block share camera and day, so that a V that
    would be sure for so many photos may be chance for so few blocks: it counts only where it exceeds those of blocks
    exchanged at random between the places. `near`: columns by which alone the places are told apart about as well as
    by the network; beyond chance they confound however small their V, and so does any V of `CONFOUNDED` or more.
    """
    rows = []
    for name, values in columns.items():
        v, chance = _against_chance(values, labels, blocks, places=len(places), seed=seed)
        beyond = v > chance
        if (near.get(name) and (beyond or chance >= 1)) or (beyond and v >= CONFOUNDED):
            verdict = "confounded"
        elif v <= chance or v < WEAK:
            verdict = "none"
        else:
            verdict = "strong" if v >= STRONG else "weak"
        rows.append(
            {
                "column": name,
                "cramers_v": round(v, 4),
                "verdict": verdict,
                "detail": _detail(telling := _telling(values, labels, places)),
                "telling": telling,
                "chance": round(chance, 4),
            }
        )
    return sorted(rows, key=lambda row: (-row["cramers_v"], row["column"]))


def _against_chance(
    values: Sequence[str], labels: Ints, blocks: Sequence[str], *, places: int, seed: int
) -> tuple[float, float]:
    """V of the column, and the V that 95 of 100 exchanges of whole blocks between the places stay below."""
    names, value = np.unique(np.asarray(values), return_inverse=True)
    keys, block = np.unique(
        np.char.add(np.char.add(np.asarray(blocks, str), "\t"), labels.astype(str)), return_inverse=True
    )
    counts = np.zeros((len(keys), len(names)))
    np.add.at(counts, (block.reshape(-1), value.reshape(-1)), 1)
    place_of = np.zeros(len(keys), np.int64)
    place_of[block.reshape(-1)] = labels
    rng, step = np.random.default_rng([seed, 0xC0F0]), max(1, _CELLS // len(keys))
    drawn = []
    for start in range(0, PERMUTATIONS, step):
        many = np.tile(place_of, (min(step, PERMUTATIONS - start), 1))
        drawn.append(cramers_v(_by_place(counts, rng.permuted(many, axis=1), places)))
    real = float(cramers_v(_by_place(counts, place_of[None], places))[0])
    return real, float(np.quantile(np.concatenate(drawn), CHANCE))


def _by_place(counts: Floats, place_of: Ints, places: int) -> Floats:
    """float64 (n, places, values) from counts (blocks, values), for n ways to give the blocks to places (n, blocks)."""
    return np.stack([(place_of == place).astype(float) @ counts for place in range(places)], axis=1)


def _telling(values: Sequence[str], labels: Ints, places: Sequence[str]) -> dict[str, Any]:
    """The value that separates most (None for "not known"), and of how many photos of which places it is.

    With more than two places these are the two that have it most and the one that has it least.
    """
    by_place = [Counter(np.asarray(values)[labels == place].tolist()) for place in range(len(places))]
    photos = [max(1, counter.total()) for counter in by_place]

    def spread(value: str) -> float:
        shares = [counter[value] / total for counter, total in zip(by_place, photos, strict=True)]
        return max(shares) - min(shares)

    value = max(sorted(set(values)), key=spread)
    order = sorted(range(len(places)), key=lambda place: -by_place[place][value] / photos[place])
    shown = order[:2] + order[-1:] if len(order) > 2 else order
    return {
        "value": None if value == UNKNOWN else value,
        "photos": {places[place]: by_place[place][value] for place in shown},
        "of": {places[place]: photos[place] for place in shown},
    }


def _detail(telling: Mapping[str, Any]) -> str:
    """The same in words: "C5050Z: boston: 151 of 216, mallorca: 0 of 146"."""
    parts = [f"{place}: {photos} of {telling['of'][place]}" for place, photos in telling["photos"].items()]
    return f"{telling['value'] or 'not known'}: " + ", ".join(parts)
