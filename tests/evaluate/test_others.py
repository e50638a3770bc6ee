"""Figures on another labelled set, through the command line: by the network for new photos, opening nothing."""

import csv
import json
import shutil

import numpy as np
import pytest
from PIL import Image

from machinami.cli.main import run
from machinami.evaluate.others import evaluate_others
from machinami.models import load_model
from machinami.project import Project
from machinami.sources.town import TownSettings, make_photo
from machinami.split import read_split

CPU = ("--device", "cpu", "--threads", "1")


@pytest.fixture(scope="module")
def others(tmp_path_factory):
    """A folder of other towns' photos: a/0.png …, b/0.png …"""
    folder = tmp_path_factory.mktemp("others")
    settings = TownSettings(photos_per_town=10, size_px=96, seed=5)
    for town in "ab":
        (folder / town).mkdir()
        for index in range(10):
            Image.fromarray(make_photo(settings, town, index).image).save(folder / town / f"{index}.png")
    return folder


@pytest.fixture
def town(finished_town, copied_town):
    return copied_town(finished_town)


def answered(capsys, *arguments, code=0):
    """JSON from standard output, and what stood on standard error."""
    capsys.readouterr()
    assert run([*map(str, arguments), "-q", "--json", *CPU]) == code
    said = capsys.readouterr()
    return json.loads(said.out), said.err


def predicted(capsys, model, files):
    """Probabilities (n, 2) of a and b for the files, by `machinami predict`."""
    answers, _ = answered(capsys, "predict", model, *files)
    return np.array([[answer["probabilities"][key] for key in "ab"] for answer in answers])


def nll(probabilities, labels):
    return -np.log(probabilities[np.arange(len(labels)), labels]).mean()


def test_a_folder_a_place_is_judged_by_the_network_for_new_photos(town, others, tmp_path, capsys):
    before = {path: path.read_bytes() for path in (town.evaluation_file, town.runs_file)}
    figures, warning = answered(capsys, "evaluate", town.root, "--photos", others)
    assert warning == ""
    assert {path: path.read_bytes() for path in before} == before  # no test block was opened
    assert figures.keys() == json.loads(town.evaluation_file.read_text()).keys()
    assert (figures["test"]["photos"], figures["test_opened"], figures["split"]) == (20, None, None)
    files, labels = sorted(others.glob("*/*.png")), np.repeat([0, 1], 10)
    found = predicted(capsys, town.root, files)
    assert figures["test"]["nll"] == pytest.approx(nll(found, labels), abs=1e-3)
    assert figures["test"]["accuracy"]["value"] == pytest.approx((found.argmax(1) == labels).mean())
    assert np.trace(figures["confusion"]) == (found.argmax(1) == labels).sum()
    passed_on = tmp_path / "evaluated"  # the same folder with the other network in it
    shutil.copytree(town.model, passed_on)
    card = json.loads((passed_on / "card.json").read_text())
    (passed_on / "card.json").write_text(json.dumps({**card, "model": card["evaluated"]}))
    assert abs(figures["test"]["nll"] - nll(predicted(capsys, passed_on, files), labels)) > 3e-3


def test_a_table_tells_places_and_sequences(town, others, tmp_path, capsys):
    folder = tmp_path / "loose"
    shutil.copytree(others, folder)
    (folder / "broken.png").write_bytes(b"no photo")
    table = tmp_path / "labels.csv"
    with table.open("w", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(["file", "place", "sequence"])
        for index in range(10):  # all are said to be of b, in three drives
            rows.writerow([f"a/{index}.png", "b", f"drive {index % 3}"])
        rows.writerow(["broken.png", "a", "drive 9"])
    figures, _ = answered(capsys, "evaluate", town.root, "--photos", folder, "--table", table)
    assert (figures["test"]["photos"], figures["test"]["blocks"]) == (10, 3)
    assert figures["per_place"]["a"]["photos"] == 0
    assert figures["per_place"]["b"] | {"precision": None, "recall": None, "f1": None} == {
        "photos": 10, "blocks": 3, "precision": None, "recall": None, "f1": None,
    }  # fmt: skip
    found = predicted(capsys, town.root, [folder / f"a/{index}.png" for index in range(10)])
    assert figures["test"]["nll"] == pytest.approx(nll(found, np.ones(10, int)), abs=1e-3)
    assert run(["evaluate", str(town.root), "--table", str(table)]) == 2


def test_photos_that_the_network_learned_from_are_told(town, others, tmp_path, capsys):
    """Refitted, it has seen the test photos too."""
    folder = tmp_path / "mixed"
    shutil.copytree(others, folder)
    split = read_split(town)
    with town.catalog() as catalog:
        for photo in catalog.photos(ids=[*split.photos("test")[:2], split.photos("train")[0]]):
            shutil.copyfile(town.path_of(photo.file), folder / photo.place / f"copy-{photo.photo_id}.jpg")
    _, warning = answered(capsys, "evaluate", town.root, "--photos", folder)
    assert "3 of the 23 photos are among those that the network learned from" in warning


def test_before_the_refit_the_test_photos_are_new(trained_town, tmp_path):
    project = Project.open(trained_town)
    card = load_model(project.model).card
    assert card.model["sha256"] == card.evaluated["sha256"]
    split = read_split(project)
    with project.catalog() as catalog:
        for subset in ("test", "train"):
            for photo in catalog.photos(ids=split.photos(subset)):
                folder = tmp_path / subset / photo.place
                folder.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(project.path_of(photo.file), folder / f"{photo.photo_id}.jpg")
    learned = [evaluate_others(project, project.config(), tmp_path / subset).learned for subset in ("test", "train")]
    assert learned == [0, len(split.photos("train"))]
