"""A demo that is there already is gone on with, and never silently another than asked for."""

import pytest

from machinami.cli.main import run

TOML = """\
seed = 3

[[places]]
key = "a"

[[places]]
key = "b"

[source]
kind = "town"

[sampling]
per_place = 60
"""


@pytest.fixture
def begun(tmp_path, monkeypatch):
    """A demo folder; what follows the check of the options is cut off."""

    def stop(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr("machinami.collect.made.collect_town", stop)
    (tmp_path / "machinami.toml").write_text(TOML)
    return tmp_path


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (["--photos", "80"], "made with --photos 60, not 80: leave --photos out"),
        (["--seed", "7"], "made with --seed 3, not 7"),
        (["--photos", "60", "--seed", "0"], "made with --seed 3, not 0"),
    ],
)
def test_options_that_do_not_fit_an_existing_demo_are_refused(begun, capsys, options, says):
    assert run(["demo", str(begun), *options]) == 2
    assert says in capsys.readouterr().err
    assert (begun / "machinami.toml").read_text() == TOML


@pytest.mark.parametrize("options", [[], ["--photos", "60", "--seed", "3"]])
def test_an_existing_demo_says_what_it_goes_on_with(begun, capsys, options):
    assert run(["demo", str(begun), *options]) == 130
    assert "60 photos of each town, seed 3" in capsys.readouterr().err


def test_a_new_demo_takes_its_options(begun, tmp_path):
    assert run(["demo", str(tmp_path / "new"), "--photos", "70", "--seed", "5", "-q"]) == 130
    text = (tmp_path / "new" / "machinami.toml").read_text()
    assert "seed = 5" in text
    assert "per_place = 70" in text
