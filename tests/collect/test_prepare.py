"""What must be there before anything is asked."""

import pytest

from machinami.errors import ConfigError, InputError
from tests.servers.projects import write_project


@pytest.fixture
def root(serve, tmp_path):
    return write_project(tmp_path / "p", "mapillary", serve("mapillary").url, sampling={"per_place": 3})


def edit(root, before, after):
    file = root / "machinami.toml"
    text = file.read_text()
    assert before in text
    file.write_text(text.replace(before, after))


@pytest.mark.parametrize("command", [("plan",), ("plan", "--probe"), ("collect", "--yes")])
def test_without_places_there_is_nothing_to_do(root, machinami, command):
    text = (root / "machinami.toml").read_text()
    (root / "machinami.toml").write_text(text[text.index("[source]") :])
    ran = machinami(command[0], root, *command[1:])
    assert ran.code == ConfigError.exit_code
    assert "[[places]]" in ran.err


@pytest.mark.parametrize("command", [("plan",), ("collect", "--yes")])
def test_a_place_without_an_area_is_named(root, machinami, command):
    edit(root, 'area = { file = "areas.geojson", where = { code = "west" } }', "")
    ran = machinami(command[0], root, *command[1:])
    assert ran.code == ConfigError.exit_code
    assert "'west' has no area" in ran.err


def test_an_area_that_could_be_any_of_several_features_is_asked_about(root, machinami):
    edit(root, ', where = { code = "west" }', "")
    ran = machinami("plan", root)
    assert ran.code == InputError.exit_code
    assert "place 'west'" in ran.err
    assert "2 features, so say which" in ran.err


def test_a_source_of_ones_own_photos_is_not_collected_from(root, machinami):
    edit(root, 'kind = "mapillary"', 'kind = "folder"')
    ran = machinami("collect", root, "--yes")
    assert ran.code == ConfigError.exit_code
    assert "machinami import" in ran.err


def test_google_without_permission_asks_nothing(serve, tmp_path, machinami):
    server = serve("google")
    root = write_project(tmp_path / "g", "google", server.url, sampling={"per_place": 3})
    edit(root, "acknowledgement = 2026-11-23", "")
    ran = machinami("collect", root, "--yes")
    assert ran.code == 16
    assert "source.acknowledgement" in ran.err
    assert server.stats()["requests"] == 0
