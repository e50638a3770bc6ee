"""What the commands about the network say of their results, and of what these rest on."""

import json
import re
from types import SimpleNamespace

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
    assert "balanced accuracy" in said(capsys, "report", town.root, "-q").out


def test_two_runs_are_set_side_by_side_and_nothing_is_run(town, copied_town, finished_town, capsys):
    other = copied_town(finished_town, name="other")
    before = {project.root: project.runs_file.read_bytes() for project in (town, other)}
    text = said(capsys, "evaluate", town.root, "--compare", other.root, "-q").out
    photos = json.loads(town.evaluation_file.read_text())["test"]["photos"]
    assert f"On {photos} photos in" in text
    assert "+0.0 points" in text
    assert "no more than other blocks of the same places could bring by chance" in text
    told = json.loads(said(capsys, "evaluate", town.root, "--compare", other.root, "-q", "--json").out)
    assert told["photos"] == photos
    assert told["accuracy"]["first"] == told["accuracy"]["second"]
    assert told["balanced_accuracy"]["difference"]["value"] == 0
    assert {project.root: project.runs_file.read_bytes() for project in (town, other)} == before


@pytest.mark.parametrize("others", [["--photos", "."], ["--cross-validate"], ["--match", "camera"]])
def test_one_question_at_a_time(town, capsys, others):
    problem = said(capsys, "evaluate", town.root, "--compare", town.root, *others, code=2).err
    assert "ask one at a time" in problem


def test_what_further_fits_have_told_is_printed(town, capsys, monkeypatch, edit_config):
    edit_config(town, "[train]", "[train]\nrefit = false")
    figures = json.loads(town.evaluation_file.read_text())
    figure = {"value": 0.8, "low": 0.7, "high": 0.9}
    figures["random_split"] |= {
        "balanced_accuracy": 0.95, "balanced_gap": 0.15, "balanced_gap_low": 0.05, "balanced_gap_high": 0.25,
    }  # fmt: skip
    figures["cross_validation"] = {"folds": [], "accuracy": figure, "balanced_accuracy": figure, "macro_f1": figure}
    figures["learning_curve"] = {
        "of": "probe",
        "points": [{"blocks": 9, "photos": 90, **figure}],
        "forecast": [{"blocks": 18, **figure}],
        "pairs": [],
    }
    asked = []

    def evaluated(*_, cross_validate, **__):
        asked.append(cross_validate)
        return SimpleNamespace(figures=figures)

    monkeypatch.setattr("machinami.evaluate.stage.evaluate_project", evaluated)
    text = said(capsys, "evaluate", town.root, "--cross-validate", "-q").out
    assert asked == [True]
    assert re.search(
        r"the same, random split +95 % +gap \+15.0 points \(\+5.0 to \+25.0\): so much is memory of the ground", text
    )
    assert re.search(r"every fold once the test +80 % \(70–90\)", text)
    assert "A linear probe reaches 80 % (70–90) from 9 training blocks; forecast 80 % (70–90) with 18 blocks" in text
    figures["random_split"]["balanced_gap_low"] = -0.05
    assert "memory" not in said(capsys, "evaluate", town.root, "-q").out


def test_a_column_to_match_by_that_there_is_not_is_told_before_any_work(town, capsys):
    problem = said(capsys, "evaluate", town.root, "--match", "colour", code=2).err
    assert "--match colour: there is no such column: camera, size" in problem


def test_matched_figures_stand_beside_the_others_and_nothing_is_measured_again(town, capsys, monkeypatch):
    monkeypatch.setattr("machinami.evaluate.stage.evaluate_project", None)
    figures = json.loads(town.evaluation_file.read_text())
    figure = {"value": 0.6, "low": 0.5, "high": 0.7}
    matched = {"column": "year", "photos": 8, "blocks": 4, "values": 2, "dropped": 3}
    matched |= {"accuracy": figure, "balanced_accuracy": figure}
    asked = []

    def match(_, __, column):
        asked.append(column)
        return figures | {"matched": matched}

    monkeypatch.setattr("machinami.evaluate.matching.match_project", match)
    text = said(capsys, "evaluate", town.root, "--match", "year", "-q").out
    assert asked == ["year"]
    assert "all test photos  matched by year" in text
    assert re.search(r"balanced accuracy .*60 % \(50–70\)\n", text)
    assert re.search(rf"blocks +{figures['test']['blocks']} +4\n", text)
    assert "Warning: 4 blocks, fewer than 20" in text
    told = json.loads(said(capsys, "evaluate", town.root, "--match", "year", "-q", "--json").out)
    assert told == figures | {"matched": matched}


def test_run_and_report_begin_with_the_verdict(town, capsys):
    code = json.loads(town.evaluation_file.read_text())["verdict"]["code"]
    assert json.loads((town.model / "card.json").read_text())["figures"]["verdict"] == code
    words = {"sound": "Sound: ", "confounded": "Confounded: ", "too-few-blocks": "Too few blocks: "}[code]
    for command in ("run", "report"):
        assert said(capsys, command, town.root, "-q", *(CPU if command == "run" else ())).out.startswith(words)


def test_a_confounded_model_says_so_when_it_predicts(town, capsys):
    card = town.model / "card.json"
    facts = json.loads(card.read_text())
    photo = next((town.root / "photos").rglob("*.jpg"))
    for code, told in (("confounded", True), ("sound", False)):
        facts["figures"]["verdict"] = code
        card.write_text(json.dumps(facts))
        error = said(capsys, "predict", town.root, photo, "-q", *CPU).err
        assert error.startswith("machinami: this model is confounded") == told
