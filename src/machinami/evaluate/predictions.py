"""The table of predictions, a row a photo, as Parquet parts: predictions/part-00000.parquet and so on."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq

from machinami.errors import NotReady, ProjectError
from machinami.files import replacing_folder

__all__ = ["PART_ROWS", "Predictions", "read_predictions", "write_predictions"]

PART_ROWS = 50_000
_PROBABILITY = "p_"


@dataclass(frozen=True, slots=True, kw_only=True)
class Predictions:
    """What a model says of some photos. Rows belong together across the fields."""

    places: tuple[str, ...]
    photo_id: npt.NDArray[np.int64]  # (N,)
    place: Sequence[str]  # N, the true one
    probabilities: npt.NDArray[np.float32]  # (N, places), calibrated
    split: Sequence[str]  # N: test, validation, train or dropped
    block: Sequence[str]  # N

    @property
    def predicted(self) -> list[str]:
        """The likeliest place of each photo."""
        return [self.places[best] for best in self.probabilities.argmax(axis=1).tolist()]


def write_predictions(folder: Path, batches: Iterable[Predictions], *, part_rows: int = PART_ROWS) -> int:
    """Fills `folder` with parts of at most `part_rows` rows, and gives the number of rows.

    The folder changes at once, when all parts are written; until then it keeps what it held.
    """
    rows = parts = 0
    with replacing_folder(folder) as aside:
        for batch in batches:
            table = _table(batch)
            for start in range(0, table.num_rows, part_rows):
                file = aside / f"part-{parts:05d}.parquet"
                pq.write_table(table.slice(start, part_rows), file, write_page_checksum=True)
                parts += 1
            rows += table.num_rows
    return rows


def read_predictions(folder: Path, *, split: str | None = None) -> Predictions:
    """The rows of the parts in `folder`: all of them, or those of one subset.

    Raises NotReady where there are none, ProjectError where a part is damaged.
    """
    chosen = None if split is None else [("split", "=", split)]
    parts = sorted(folder.glob("part-*.parquet"))
    if not parts:
        raise NotReady(f"{folder} holds no predictions", command=f"machinami evaluate {folder.parent}")
    try:
        table = pa.concat_tables(
            [pq.read_table(part, filters=chosen, page_checksum_verification=True) for part in parts]
        )
        columns = [name for name in table.column_names if name.startswith(_PROBABILITY)]
        probabilities = [table[name].to_numpy() for name in columns]
        return Predictions(
            places=tuple(name.removeprefix(_PROBABILITY) for name in columns),
            photo_id=table["photo_id"].to_numpy().astype(np.int64),
            place=table["place"].to_pylist(),
            probabilities=np.stack(probabilities, axis=1).astype(np.float32),
            split=table["split"].to_pylist(),
            block=table["block"].to_pylist(),
        )
    except (OSError, ValueError, KeyError, pa.ArrowException) as error:
        raise ProjectError(
            f"{folder} is damaged ({error}): make it again with `machinami evaluate {folder.parent}`"
        ) from error


def _table(batch: Predictions) -> pa.Table:
    columns = {
        "photo_id": pa.array(batch.photo_id, pa.int64()),
        "place": pa.array(list(batch.place), pa.string()),
        "predicted": pa.array(batch.predicted, pa.string()),
    }
    for column, place in enumerate(batch.places):
        columns[f"{_PROBABILITY}{place}"] = pa.array(batch.probabilities[:, column], pa.float32())
    columns["split"] = pa.array(list(batch.split), pa.string())
    columns["block"] = pa.array(list(batch.block), pa.string())
    return pa.table(columns)
