import json

import pytest
import shapely

from machinami.areas import read_areas
from machinami.config import AreaConfig, PlaceConfig
from machinami.errors import AmbiguousArea, InputError

CHUO = [  # three cities have a 中央区 here, one of them in two parts; and one village name twice in one prefecture
    {"N03_001": "東京都", "N03_003": None, "N03_004": "中央区", "N03_007": "13102"},
    {"N03_001": "北海道", "N03_003": "札幌市", "N03_004": "中央区", "N03_007": "01101"},
    {"N03_001": "北海道", "N03_003": "札幌市", "N03_004": "中央区", "N03_007": "01101"},
    {"N03_001": "新潟県", "N03_003": "新潟市", "N03_004": "中央区", "N03_007": "15103"},
    {"N03_001": "北海道", "N03_003": "古宇郡", "N03_004": "泊村", "N03_007": "01403"},
    {"N03_001": "北海道", "N03_003": "国後郡", "N03_004": "泊村", "N03_007": "01696"},
]

ALL_OF_THEM = (
    'write which, e.g. where = { N03_007 = "01101" }; all of them together are '
    'where = { N03_004 = "中央区", N03_007 = "*" }'
)


def box(number):
    return shapely.box(139 + number, 35, 139.5 + number, 35.5)


def read(folder, rows, **where):
    features = [
        {"type": "Feature", "properties": row, "geometry": shapely.geometry.mapping(box(number))}
        for number, row in enumerate(rows)
    ]
    (folder / "n03.geojson").write_text(json.dumps({"type": "FeatureCollection", "features": features}))
    place = PlaceConfig(key="chuo", area=AreaConfig(file="n03.geojson", where=where))
    return read_areas([place], folder)["chuo"].shape


def test_a_name_in_several_places_is_refused_with_all_of_them(tmp_path):
    with pytest.raises(AmbiguousArea) as caught:
        read(tmp_path, CHUO, N03_004="中央区")
    assert str(caught.value).splitlines() == [
        "the area of place 'chuo' (n03.geojson): N03_004 = '中央区' fits 3 places:",
        "  N03_007 = 01101 (N03_001 = 北海道, N03_003 = 札幌市, N03_004 = 中央区)",
        "  N03_007 = 13102 (N03_001 = 東京都, N03_004 = 中央区)",
        "  N03_007 = 15103 (N03_001 = 新潟県, N03_003 = 新潟市, N03_004 = 中央区)",
        ALL_OF_THEM,
    ]
    assert len(caught.value.candidates) == 3


@pytest.mark.parametrize(
    ("where", "numbers"),
    [
        ({"N03_007": "13102"}, [0]),
        ({"N03_007": "01101"}, [1, 2]),
        ({"N03_004": "中央区", "N03_001": "東京都"}, [0]),
        ({"N03_004": "中央区", "N03_003": "札幌市"}, [1, 2]),
        ({"N03_004": "中央区", "N03_007": "*"}, [0, 1, 2, 3]),
        ({"N03_007": "*"}, [0, 1, 2, 3, 4, 5]),
    ],
)
def test_what_says_enough_is_taken(where, numbers, tmp_path):
    assert read(tmp_path, CHUO, **where).equals(shapely.union_all([box(number) for number in numbers]))


def test_ground_without_a_code_is_a_candidate_but_no_value(tmp_path):
    rows = [{"N03_004": "所属未定地", "N03_007": code} for code in (None, "13000")]
    with pytest.raises(AmbiguousArea, match=r'e\.g\. where = \{ N03_007 = "13000" \}'):
        read(tmp_path, rows, N03_004="所属未定地")
    assert read(tmp_path, rows, N03_007="*").equals(box(1))
    with pytest.raises(InputError, match=r"no feature has N03_007 = 'None'; there are '13000'"):
        read(tmp_path, rows, N03_007="None")


def test_two_villages_of_one_name_in_one_prefecture(tmp_path):
    with pytest.raises(AmbiguousArea, match=r"N03_001 = '北海道' fits 2 places"):
        read(tmp_path, CHUO, N03_004="泊村", N03_001="北海道")


def test_prefectures_tell_places_apart_where_there_are_no_codes(tmp_path):
    rows = [{"N03_001": row["N03_001"], "N03_004": row["N03_004"]} for row in CHUO]
    with pytest.raises(AmbiguousArea, match=r"N03_001 = 東京都"):
        read(tmp_path, rows, N03_004="中央区")
    assert read(tmp_path, rows, N03_004="中央区", N03_001="東京都").equals(box(0))


@pytest.mark.parametrize("column", ["code", "CITY_CODE", "市区町村コード", "jiscode", "GID_2", "NUTS_ID", "city_cd"])
def test_other_columns_of_codes_count_as_well(column, tmp_path):
    rows = [{"name": "Springfield", column: "17"}, {"name": "Springfield", column: "25"}]
    with pytest.raises(AmbiguousArea, match="fits 2 places"):
        read(tmp_path, rows, name="Springfield")
    assert read(tmp_path, rows, **{column: "25"}).equals(box(1))


@pytest.mark.parametrize("column", ["fid", "id", "ID", "population", "encoded_by", "width"])
def test_columns_that_number_polygons_or_count_do_not(column, tmp_path):
    rows = [{"name": "Springfield", column: 1}, {"name": "Springfield", column: 2}]
    assert read(tmp_path, rows, name="Springfield").equals(box(0) | box(1))


def test_an_area_without_features_to_match_names_the_value(tmp_path):
    with pytest.raises(InputError, match=r"no feature has N03_004 = '中区'; there are '中央区'"):
        read(tmp_path, CHUO, N03_004="中区")
