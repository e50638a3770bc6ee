import numpy as np

from machinami.catalog import Photo
from machinami.evaluate.metadata import COLUMNS, metadata_columns, one_hot


def photo(**facts):
    return Photo(source="folder", source_id="x", **facts)


def test_a_date_tells_no_more_than_its_precision():
    photos = [
        photo(captured_at="2006", captured_precision="year"),
        photo(captured_at="2007-03", captured_precision="month"),
        photo(captured_at="2008-04-05T06:07:08Z", captured_precision="second"),
        photo(),
    ]
    columns = metadata_columns(photos)
    assert columns["year"] == ["2006", "2007", "2008", "unknown"]
    assert columns["month"] == ["unknown", "03", "04", "unknown"]
    assert columns["hour"] == ["unknown", "unknown", "06", "unknown"]


def test_cameras_headings_and_sequences():
    photos = [
        photo(camera_make="Canon", camera_model="Canon PowerShot SD400", heading_deg=350.0, sequence="s"),
        photo(camera_make="Apple", camera_model="iPhone 6", heading_deg=44.0, sequence="s"),
        photo(camera_model="C5050Z", heading_deg=200.0, sequence="s"),
        photo(camera_make="Apple", heading_deg=None),
    ]
    columns = metadata_columns(photos)
    assert columns["camera"] == ["Canon PowerShot SD400", "Apple iPhone 6", "C5050Z", "Apple"]
    assert columns["heading"] == ["N", "NE", "S", "unknown"]
    assert columns["sequence_photos"] == ["4", "4", "4", "unknown"]


def test_a_column_of_one_value_and_those_left_out_are_not_there():
    photos = [photo(width=4, height=3, creator="ann"), photo(width=3, height=4, creator="bo")]
    assert set(metadata_columns(photos)) == {"size", "creator"}
    assert set(metadata_columns(photos, leave_out=("creator",))) == {"size"}
    assert "source" in COLUMNS


def test_rare_values_are_one():
    photos = [photo(creator=f"user {number}") for number in range(500)] + [photo(creator="ann")] * 5
    values = metadata_columns(photos)["creator"]
    assert len(set(values)) == 41
    assert values.count("ann") == 5


def test_one_hot_marks_each_value_once():
    vectors = one_hot({"camera": ["x", "y", "x"], "year": ["1", "2", "3"]})
    assert vectors.dtype == np.float32
    assert vectors.tolist() == [[1, 0, 1, 0, 0], [0, 1, 0, 1, 0], [1, 0, 0, 0, 1]]
