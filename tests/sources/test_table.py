from datetime import UTC, date, datetime

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from machinami.errors import TableError
from machinami.geo import LatLon
from machinami.sources.cells import read_cells, read_header
from machinami.sources.table import check_columns, read_table

NOW = datetime(2026, 11, 23, tzinfo=UTC)


def write(path, content):
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def rows(path):
    return list(read_table(path, now=NOW))


PLAIN = 'file,place,lat,lon\na.jpg,x,35.5,139.25\n"b, c.jpg",町田,,\n'
FORMS = {
    "plain": PLAIN,
    "mark at the start": b"\xef\xbb\xbf" + PLAIN.encode(),
    "CRLF": PLAIN.replace("\n", "\r\n"),
    "mark and CRLF": b"\xef\xbb\xbf" + PLAIN.replace("\n", "\r\n").encode(),
    "no last line end": PLAIN.rstrip("\n"),
    "semicolons": 'file;place;lat;lon\na.jpg;x;35.5;139.25\n"b, c.jpg";町田;;\n',
    "tabs": "file\tplace\tlat\tlon\na.jpg\tx\t35.5\t139.25\nb, c.jpg\t町田\t\t\n",
    "capitals and blanks": PLAIN.replace("file,place", " File , PLACE "),
    "quoted header": PLAIN.replace("file,place", '"file","place"'),
    "blank cells": PLAIN.replace("35.5", " 35.5 "),
}


@pytest.mark.parametrize("form", FORMS)
def test_whoever_wrote_the_csv(form, tmp_path):
    first, second = rows(write(tmp_path / "t.csv", FORMS[form]))
    assert (first.row, first.file, first.place, first.position) == (1, "a.jpg", "x", LatLon(35.5, 139.25))
    assert (second.row, second.file, second.place, second.position) == (2, "b, c.jpg", "町田", None)


def test_blank_lines_are_skipped_and_counted(tmp_path):
    path = write(tmp_path / "t.csv", "file,place\n\na.jpg,x\n,\n\nb.jpg,x\n")
    assert [(row.row, row.file) for row in rows(path)] == [(2, "a.jpg"), (5, "b.jpg")]


def test_a_line_break_inside_quotes(tmp_path):
    path = write(tmp_path / "t.csv", 'file,place,creator\na.jpg,x,"two\nlines"\nb.jpg,x,\n')
    first, second = rows(path)
    assert first.texts == {"creator": "two lines"}
    assert second.row == 2


def test_everything_a_row_can_say(tmp_path):
    path = write(
        tmp_path / "t.csv",
        "file,place,lat,lon,heading_deg,captured_at,sequence,creator,licence,attribution,page_url,camera_make,"
        "camera_model,camera,mask,source,source_id\n"
        "./a/b.jpg,x,-35,139,-45,2014-07-09T12:00:00+09:00,s,c,l,a,u,Make,Model,Other,m/b.png,Mapillary,77\n",
    )
    (row,) = rows(path)
    assert (row.file, row.mask, row.source, row.source_id) == ("a/b.jpg", "m/b.png", "mapillary", "77")
    assert (row.position, row.heading_deg, row.captured.text) == (LatLon(-35, 139), 315.0, "2014-07-09T03:00:00Z")
    assert row.texts == {
        "sequence": "s", "creator": "c", "licence": "l", "attribution": "a", "page_url": "u", "camera_make": "Make",
        "camera_model": "Model",
    }  # fmt: skip


def test_a_bare_camera_is_the_model(tmp_path):
    (row,) = rows(write(tmp_path / "t.csv", "file,place,camera\na.jpg,x,C5050Z\n"))
    assert row.texts == {"camera_model": "C5050Z"}


def test_unknown_columns_are_told_with_what_they_may_mean(tmp_path):
    path = write(tmp_path / "t.csv", "file,place,latitude,uuid,captured\n")
    told = check_columns(path)
    assert told == ["latitude (did you mean 'lat'?)", "uuid", "captured (did you mean 'captured_at'?)"]


def test_parquet(tmp_path):
    table = pa.table({
        "file": ["a.jpg", "b.jpg", "c.jpg"],
        "place": ["x", "y", "z"],
        "lat": [35.5, float("nan"), None],
        "lon": [139.25, float("nan"), None],
        "captured_at": pa.array([datetime(2014, 7, 9, 3, 4, 5, 678, UTC), None, None], pa.timestamp("ns", "UTC")),
        "sequence": pa.array([1, 2, None]),
        "creator": pa.array(["é", None, ""]).dictionary_encode(),
        "mask": [None, "m.png", None],
    })  # fmt: skip
    pq.write_table(table, tmp_path / "t.parquet")
    first, second, third = rows(tmp_path / "t.parquet")
    assert (first.position, first.captured.text) == (LatLon(35.5, 139.25), "2014-07-09T03:04:05Z")
    assert first.texts == {"sequence": "1", "creator": "é"}
    assert (second.position, second.mask, second.texts) == (None, "m.png", {"sequence": "2"})
    assert (third.place, third.texts) == ("z", {})


def test_parquet_dates_and_years(tmp_path):
    table = pa.table({"file": ["a"], "place": ["x"], "captured_at": pa.array([date(2014, 7, 9)])})
    pq.write_table(table, tmp_path / "t.parquet")
    assert rows(tmp_path / "t.parquet")[0].captured.text == "2014-07-09"
    pq.write_table(pa.table({"file": ["a"], "place": ["x"], "captured_at": [2014]}), tmp_path / "t.parquet")
    assert rows(tmp_path / "t.parquet")[0].captured.text == "2014"


def test_parquet_errors_name_row_and_column(tmp_path):
    pq.write_table(pa.table({"file": ["a", "../b"], "place": ["x", "x"]}), tmp_path / "t.parquet")
    with pytest.raises(TableError) as caught:
        rows(tmp_path / "t.parquet")
    assert (caught.value.row, caught.value.column) == (2, "file")


def test_a_large_table_is_streamed(tmp_path):
    path = tmp_path / "t.csv"
    path.write_text("file,place\n" + "".join(f"{number}.jpg,x\n" for number in range(20_000)))
    cells = read_cells(path)
    assert next(cells) == (1, {"file": "0.jpg", "place": "x"})
    assert sum(1 for _ in cells) == 19_999


def test_the_byte_is_counted_from_the_start_of_the_file(tmp_path):
    content = b"\xef\xbb\xbffile,place\na.jpg,x\nb.jpg,\xff\n"
    path = write(tmp_path / "t.csv", content)
    with pytest.raises(TableError, match=f"byte {content.index(0xFF)} of the file is 0xff") as caught:
        rows(path)
    assert caught.value.row == 2
    with pytest.raises(TableError, match="byte 5 of the file"):
        read_header(write(tmp_path / "u.csv", b"file,\xff\n"))
