"""The cells of a CSV or Parquet table as texts, row after row, whoever wrote the file."""

import csv
import math
from collections.abc import Iterator, Mapping
from datetime import date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from machinami.errors import TableError

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = ["read_cells", "read_header"]

_LONGEST_LINE = 1 << 20
_DELIMITERS = ",;\t"
_PARQUET = b"PAR1"


class _LineError(ValueError):
    """A line that is no text; its row is known one level up."""


def read_header(path: Path) -> list[str]:
    """The names of the columns in small letters, without surrounding blanks. Raises TableError."""
    return _parquet_header(path) if _is_parquet(path) else _open_csv(path)[1]


def read_cells(path: Path) -> Iterator[tuple[int, Mapping[str, str]]]:
    """(row from 1, {column: text, "" where empty}) of each row that is not blank, streamed.

    A CSV is UTF-8 (with or without a mark at its start) and separated by commas, semicolons or tabs. Raises
    TableError for anything else, naming the row and, for bytes that are no text, the byte.
    """
    return _parquet_cells(path) if _is_parquet(path) else _csv_cells(path)


def _is_parquet(path: Path) -> bool:
    try:
        with path.open("rb") as file:
            return file.read(4) == _PARQUET
    except OSError as error:
        raise TableError(str(path), f"cannot be read ({error.strerror})") from error


def _lines(path: Path) -> Iterator[str]:
    """The lines of a UTF-8 file. Raises _LineError with the byte that is no text, counted from the file's start."""
    start = 0
    with path.open("rb") as file:
        while line := file.readline(_LONGEST_LINE):
            if start == 0 and line[:2] in {b"\xff\xfe", b"\xfe\xff"}:
                raise _LineError("is UTF-16 text: save the table as UTF-8")
            if len(line) >= _LONGEST_LINE:
                raise _LineError("has a line longer than a megabyte: not a table")
            try:
                text = line.decode("utf-8-sig" if start == 0 else "utf-8")
            except UnicodeDecodeError as error:
                raise _LineError(
                    f"is not UTF-8 text: byte {start + error.start} of the file is"
                    f" 0x{line[error.start]:02x}; save the table as UTF-8"
                ) from error
            if "\0" in text:
                raise _LineError(f"holds a NUL byte (byte {start + line.index(0)} of the file): not a text table")
            start += len(line)
            yield text


def _open_csv(path: Path) -> tuple[Iterator[list[str]], list[str]]:
    """The rows after the header, and the header.

    The delimiter is the one that finds a column `file`, else the one that finds most columns.
    """
    headers = {}
    for mark in _DELIMITERS:
        rows = csv.reader(_lines(path), delimiter=mark)
        headers[mark] = [_tidy(name) for name in _next_row(rows, path, None) or []]
    best = max(headers, key=lambda mark: ("file" in headers[mark], len(headers[mark])))
    if not any(headers[best]):
        raise TableError(path.name, "is empty: its first line must name the columns, file and place at least")
    rows = csv.reader(_lines(path), delimiter=best, strict=True)
    _next_row(rows, path, None)
    return rows, headers[best]


def _next_row(rows: Iterator[list[str]], path: Path, row: int | None) -> list[str] | None:
    """The next row, None at the end; `row` is the number it has (None for the header)."""
    try:
        return next(rows, None)
    except _LineError as error:
        raise TableError(path.name, str(error), row=row) from error
    except csv.Error as error:
        raise TableError(path.name, f"is not valid CSV ({error})", row=row) from error


def _tidy(name: str) -> str:
    return name.strip().lower()


def _csv_cells(path: Path) -> Iterator[tuple[int, Mapping[str, str]]]:
    rows, header = _open_csv(path)
    row = 1
    while (cells := _next_row(rows, path, row)) is not None:
        if any(cell.strip() for cell in cells):
            if len(cells) != len(header):
                problem = f"has {len(cells)} cells where the header names {len(header)}"
                raise TableError(path.name, problem, row=row)
            yield row, {name: cell.strip() for name, cell in zip(header, cells, strict=True)}
        row += 1


def _parquet_header(path: Path) -> list[str]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        return [_tidy(name) for name in pq.read_schema(path).names]
    except (pa.ArrowException, OSError) as error:
        raise TableError(path.name, f"is not valid Parquet ({error})") from error


def _parquet_cells(path: Path) -> Iterator[tuple[int, Mapping[str, str]]]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    header = _parquet_header(path)
    row = 1
    try:
        with pq.ParquetFile(path) as file:
            for batch in file.iter_batches(batch_size=4096):
                columns = [_to_values(column) for column in batch.columns]
                for values in zip(*columns, strict=True):
                    cells = {name: _to_text(value) for name, value in zip(header, values, strict=True)}
                    if any(cells.values()):
                        yield row, cells
                    row += 1
    except (pa.ArrowException, OSError, UnicodeDecodeError) as error:
        raise TableError(path.name, f"cannot be read ({error})", row=row) from error


def _to_values(column: "pa.Array") -> list[Any]:
    """Python values; times to the microsecond, since Python has no finer ones."""
    import pyarrow as pa

    if pa.types.is_timestamp(column.type):
        column = column.cast(pa.timestamp("us", column.type.tz), safe=False)
    values: list[Any] = column.to_pylist()
    return values


def _to_text(value: object) -> str:
    """A cell as a CSV would hold it; "" for what stands for nothing."""
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return ""
    if isinstance(value, datetime | date):
        return value.isoformat()
    if isinstance(value, bytes):
        return value.decode("utf-8")
    return str(value).strip()
