"""split.svg: well-formed by itself, every block in its tint, names in their script."""

import re
import xml.etree.ElementTree as ET
from dataclasses import replace

import pytest

from machinami.report.data import read_report_data
from machinami.report.map import Sight
from machinami.report.split_map import _wrapped, draw_split, write_split_map

SVG = "{http://www.w3.org/2000/svg}"


@pytest.fixture
def sight(make_project):
    """Two neighbouring places of five squares each."""
    project = make_project()
    data = read_report_data(project, project.config())
    labels = ("町田市", "<中央区> & Co")
    return Sight(keys=data.keys, labels=labels, blocks=data.split.blocks, holdings=data.holdings), data.split


def texts_in(picture):
    return [element.text for element in ET.fromstring(picture).iter(f"{SVG}text")]


def classes_in(picture):
    found = [element.get("class", "") for element in ET.fromstring(picture).iter() if element.tag != f"{SVG}rect"]
    return [name for name in found if name.startswith("block ")]


def test_every_block_is_drawn_in_its_tint(sight):
    picture = draw_split(*sight)
    drawn = sorted(name.split()[1] for name in classes_in(picture))
    assert drawn == sorted(block.subset for block in sight[1].blocks)
    assert re.search(r"\.place-1 \{ fill: #d1602f", picture)


def test_names_and_findings_stand_there_in_both_languages(sight):
    said = texts_in(draw_split(*sight))
    assert {"町田市", "<中央区> & Co", "test · 評価用"} <= set(said)
    assert said[0] == "Which ground was kept apart: 2 of 10 blocks were kept for the test"
    assert said[1].startswith("どの土地を")


def test_a_random_split_is_branded_and_shows_dots_alone(sight):
    one, split = sight
    blocks = tuple(replace(block, corners=None, centre=None) for block in split.blocks)
    picture = draw_split(replace(one, blocks=blocks), replace(split, branded="random split: …", blocks=blocks))
    said = texts_in(picture)
    assert said[0].startswith("Random split: neighbouring photos")
    assert any(text.startswith("無作為な分割") for text in said)
    assert classes_in(picture) == []
    assert "test · 評価用" not in said


def test_runs_of_names_are_strips(make_project):
    project = make_project(coordinates=False)
    config = project.config()
    path = write_split_map(project, config, read_report_data(project, config).split)
    assert path == project.root / "split.svg"
    tree = ET.fromstring(path.read_text(encoding="utf-8"))
    assert len([rect for rect in tree.iter(f"{SVG}rect") if rect.get("height") == "30"]) == 10


def test_no_line_is_longer_than_the_picture():
    for sentence in ("word " * 60, "漢字、かな。" * 40, "short"):
        lines = _wrapped(sentence)
        assert "".join(lines) == sentence
        assert all(sum(1 + (ord(letter) > 0x2E80) for letter in line) <= 88 for line in lines)
        assert not any(line.startswith(("。", "、")) for line in lines)
