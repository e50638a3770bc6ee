import pytest

from machinami.cli.main import run
from machinami.config import AreaConfig
from machinami.config_file import load_config


@pytest.fixture
def new(tmp_path, monkeypatch):
    """Runs `machinami new tokyo --place …` beside a file wards.geojson; gives the exit code and the areas."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "wards.geojson").write_text("{}")

    def make(*places):
        code = run(["new", "tokyo", *(part for place in places for part in ("--place", place))])
        file = tmp_path / "tokyo/machinami.toml"
        return code, [place.area for place in load_config(file).places] if file.exists() else None

    return make


def test_places_of_every_kind(new):
    code, areas = new(
        "a", "b=wards.geojson", "c=wards.geojson:N03_007=13209", "d=osm:R1759477", "e=query:Machida, Tokyo",
        "f=wards.geojson:name=a:b=c",
    )  # fmt: skip
    assert code == 0
    file = "../wards.geojson"
    assert areas == [
        None, AreaConfig(file=file), AreaConfig(file=file, where={"N03_007": "13209"}), AreaConfig(osm="R1759477"),
        AreaConfig(query="Machida, Tokyo"), AreaConfig(file=file, where={"name": "a:b=c"}),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("place", "code", "message"),
    [
        ("a=none.geojson", 2, "there is no file none.geojson"),
        ("a=wards.geojson:13209", 2, "after the ':' write PROPERTY=VALUE"),
        ("a=osm:1759477", 3, "must be the id of a relation"),
        ("a=osm:", 3, "one of file, osm and query"),
        ("a=query:", 3, "one of file, osm and query"),
    ],
)
def test_what_cannot_be_writes_nothing(place, code, message, new, capsys):
    assert new(place) == (code, None)
    assert message in capsys.readouterr().err
