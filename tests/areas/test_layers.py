import re
import warnings
import zipfile

import numpy as np
import pyproj
import pytest
import shapely

from machinami.areas import read_areas
from machinami.config import AreaConfig, PlaceConfig
from machinami.errors import InputError

WEST, EAST = shapely.box(139.0, 35.0, 139.1, 35.1), shapely.box(139.2, 35.0, 139.3, 35.1)
COLUMNS = {
    "N03_007": np.array(["13101", "13102"], dtype=object),
    "N03_004": np.array(["千代田区", "中央区"], dtype=object),
}


def read(path, **where):
    return read_areas([PlaceConfig(key="a", area=AreaConfig(file=path.name, where=where))], path.parent)["a"]


def zipped(path, *, inside="", suffixes=(".shp", ".shx", ".dbf", ".prj", ".cpg")):
    archive = path.with_suffix(".zip")
    with zipfile.ZipFile(archive, "w") as file:
        for suffix in suffixes:
            file.write(path.with_suffix(suffix), f"{inside}{path.stem}{suffix}")
    return archive


@pytest.mark.parametrize("name", ["wards.gpkg", "wards.shp", "区 wards.shp"])
def test_a_feature_is_picked_by_code_or_by_name(name, write_layer, tmp_path):
    path = write_layer(tmp_path / name, [WEST, EAST], COLUMNS)
    assert read(path, N03_007="13102").shape.equals(EAST)
    assert read(path, N03_004="千代田区").shape.equals(WEST)
    assert (read(path, N03_007="13102").source, read(path, N03_007="13102").code) == (name, "N03_007=13102")


@pytest.mark.parametrize("inside", ["", "N03-2024/行政/"])
def test_a_shapefile_may_be_zipped(inside, write_layer, tmp_path):
    path = write_layer(tmp_path / "wards.shp", [WEST, EAST], COLUMNS)
    assert read(zipped(path, inside=inside), N03_004="中央区").shape.equals(EAST)


@pytest.mark.parametrize("encoding", ["cp932", "utf-8"])
def test_a_shapefile_that_does_not_tell_its_encoding(encoding, write_layer, tmp_path):
    path = write_layer(tmp_path / "wards.shp", [WEST, EAST], COLUMNS, encoding=encoding)
    path.with_suffix(".cpg").unlink()
    assert read(path, N03_004="中央区").shape.equals(EAST)


@pytest.mark.parametrize("crs", ["EPSG:6668", "EPSG:6677", "EPSG:3857", "EPSG:2443"])
def test_other_coordinate_systems_become_wgs84(crs, write_layer, tmp_path):
    """JGD2011 in degrees and in metres, web maps, and a plane system of the old datum, 400 m off."""
    to_there = pyproj.Transformer.from_crs("EPSG:4326", crs, always_xy=True)
    there = shapely.transform(EAST, lambda xy: np.column_stack(to_there.transform(xy[:, 0], xy[:, 1])))
    columns = {name: values[1:] for name, values in COLUMNS.items()}
    area = read(write_layer(tmp_path / "wards.gpkg", [there], columns, crs=crs))
    assert area.shape.hausdorff_distance(EAST) < 1e-7


def test_numbers_that_became_fractions_match_as_written(write_layer, tmp_path):
    path = write_layer(tmp_path / "a.gpkg", [WEST, EAST, WEST], {"city": np.array([13101.0, 13102.0, np.nan])})
    assert read(path, city="13102").shape.equals(EAST)


def test_parts_of_one_code_are_united(write_layer, tmp_path):
    codes = {"N03_007": np.array(["1", "1"], dtype=object)}
    assert read(write_layer(tmp_path / "a.gpkg", [WEST, EAST], codes), N03_007="1").shape.equals(WEST | EAST)


def test_heights_are_left_out(write_layer, tmp_path):
    high = shapely.force_3d(WEST, 40.0)
    area = read(write_layer(tmp_path / "a.gpkg", [high], {"n": np.array([1])}, kind="Polygon Z"))
    assert not area.shape.has_z


def without_crs(write_layer, folder):
    path = write_layer(folder / "a.shp", [WEST], {"n": np.array([1])})
    path.with_suffix(".prj").unlink()
    return path


def two_layers(write_layer, folder):
    path = write_layer(folder / "a.gpkg", [WEST], {"n": np.array([1])}, layer="wards")
    return write_layer(path, [EAST], {"n": np.array([1])}, layer="parks", append=True)


def two_files(write_layer, folder):
    archive = zipped(write_layer(folder / "a.shp", [WEST], {"n": np.array([1])}))
    with zipfile.ZipFile(archive, "a") as file:
        file.writestr("b.shp", b"")
    return archive


def bytes_in(name, content):
    def make(_, folder):
        (folder / name).write_bytes(content)
        return folder / name

    return make


def points(write_layer, folder):
    return write_layer(folder / "a.gpkg", [shapely.Point(139, 35)], {"n": np.array([1])}, kind="Point")


def nothing(write_layer, folder):
    return write_layer(folder / "a.gpkg", [], {"n": np.array([], dtype=int)})


def no_shape_file(write_layer, folder):
    with zipfile.ZipFile(folder / "a.zip", "w") as file:
        file.writestr("read.me", b"nothing")
    return folder / "a.zip"


def unreadable_text(write_layer, folder):
    path = write_layer(folder / "a.shp", [WEST], {"n": np.array(["aaaa"], dtype=object)})
    path.with_suffix(".cpg").unlink()
    path.with_suffix(".dbf").write_bytes(path.with_suffix(".dbf").read_bytes().replace(b"aaaa", b"\x81\x20\x81\x20"))
    return path


BROKEN = {
    "no coordinate system": (without_crs, "does not say its coordinate system"),
    "two layers": (two_layers, "there are 2: wards, parks"),
    "two files": (two_files, "this one has 2: a.shp, b.shp"),
    "no shapefile": (no_shape_file, "this one has 0"),
    "points": (points, "a Polygon or MultiPolygon is needed, this feature is 'Point'"),
    "no features": (nothing, "has no features"),
    "no zip": (bytes_in("a.zip", b"PK"), "is no zip file"),
    "no geopackage": (bytes_in("a.gpkg", b'{"type": "Polygon"}'), "is no GeoPackage"),
    "another format": (bytes_in("a.shp", b"<OGRVRTDataSource/>"), "is no Shapefile"),
    "a damaged geopackage": (bytes_in("a.gpkg", b"SQLite format 3\0" + b"x" * 200), "cannot be read"),
    "half a shapefile": (bytes_in("a.shp", b"\0\0\x27\x0a" + b"\0" * 30), "cannot be read"),
    "unreadable text": (unreadable_text, "neither UTF-8 nor CP932"),
}


@pytest.mark.parametrize("wrong", BROKEN)
def test_what_is_no_area_says_so(wrong, write_layer, tmp_path):
    make, part = BROKEN[wrong]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # pyogrio's remarks on what is written here
        path = make(write_layer, tmp_path)
    with pytest.raises(InputError, match=re.escape(path.name)) as caught:
        read(path)
    assert part in str(caught.value)


@pytest.mark.parametrize("name", ["none.gpkg", "none.shp", "none.zip"])
def test_a_missing_file(name, tmp_path):
    with pytest.raises(InputError, match=f"{re.escape(name)}.*cannot be read"):
        read(tmp_path / name)
