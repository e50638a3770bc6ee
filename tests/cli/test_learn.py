"""What the commands about the network say of their results, and of what these rest on."""

import json
import re

import pytest

from machinami.cli.main import run
from machinami.split import read_split

CPU = ("--device", "cpu", "--threads", "1")


@pytest.fixture
def town(finished_town, copied_town):
    """A finished town of one's own."""
    return copied_town(finished_town)


def said(capsys, *arguments, code=0):
    """What a command prints on standard output and on standard error."""
    capsys.readouterr()
    assert run([str(argument) for argument in arguments]) == code
    return capsys.readouterr()


@pytest.mark.parametrize(("method", "complete"), [("hirescam", True), ("layercam", False), ("gradcam++", False)])
def test_only_complete_maps_are_said_to_sum_to_their_score(town, capsys, method, complete):
    town.config_file.write_text(town.config_file.read_text().replace("[explain]", f'[explain]\nmethod = "{method}"'))
    text = said(capsys, "explain", town.root, "-q", *CPU).out
    assert f"photos explained ({method}, " in text
    assert bool(re.search(r"each map sums to its score within \d\.\de-0[4-9] logits", text)) == complete
    assert ("do not sum to the score" in text) != complete


def test_the_report_names_the_method_that_the_heatmaps_were_made_by(town, capsys):
    town.config_file.write_text(town.config_file.read_text().replace("[explain]", '[explain]\nmethod = "layercam"'))
    warning = said(capsys, "report", town.root, "-q").err
    assert "explain is out of date, so report goes by older settings or photos" in warning
    told = json.loads((town.explanations / "attention.json").read_text())
    page = town.report_file.read_text()
    heatmaps = re.search(r">Heatmaps</span>.*?<dd>(.*?)</dd>", page, re.DOTALL).group(1)
    assert heatmaps == f"{told['method']}, {told['layer']}"
    assert told["method"] == "gradcam"


def test_nothing_is_said_where_all_earlier_stages_are_up_to_date(town, capsys):
    for command in ("report", "split"):
        assert said(capsys, command, town.root, "-q").err == ""


@pytest.mark.parametrize("command", ["train", "evaluate", "explain", "report"])
def test_every_stage_says_that_the_one_it_rests_on_is_stale(town, capsys, monkeypatch, command):
    """Before it does anything: what it would do is cut off here."""
    text = town.config_file.read_text().replace("block_m = 300", "block_m = 310")
    town.config_file.write_text(text)

    def stop(*_, **__):
        raise KeyboardInterrupt

    for stage in ("train.stage.train", "evaluate.stage.evaluate", "explain.stage.explain"):
        monkeypatch.setattr(f"machinami.{stage}_project", stop)
    monkeypatch.setattr("machinami.report.build_report", stop)
    warning = said(capsys, command, town.root, "-q", code=130).err
    assert f"machinami: split is out of date, so {command} goes by older" in warning
    assert f"`machinami run {town.root}`" in warning


def test_a_photo_that_moved_to_a_new_place_is_told_and_what_is_there_can_be_reported(town, capsys):
    """Without [[places]] the photos' own places are those of the project, the new one among them."""
    text = re.sub(r"\[\[places\]\]\n(?:\w+ = .*\n)+", "", town.config_file.read_text())
    assert "places" not in text
    town.config_file.write_text(text)
    test = read_split(town).photos("test")
    with town.catalog() as catalog:
        catalog.update(test[0], place="c")
    for command in ("evaluate", "explain"):
        problem = said(capsys, command, town.root, "-q", *CPU, code=5).err
        assert f"photo {test[0]} was of a and is of c now): run `machinami split {town.root}` first" in problem
    assert "told apart" in said(capsys, "report", town.root, "-q").out
