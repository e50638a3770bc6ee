import json
import shutil

import pytest

from machinami.cli.main import run
from tests.segformer import save_segformer


@pytest.fixture
def explained(finished_town, copied_town):
    return copied_town(finished_town)


def output(capsys, *arguments):
    code = run([str(argument) for argument in arguments])
    said = capsys.readouterr()
    return code, said.out, said.err


def test_what_is_there_stands_beside_what_is_used(explained, capsys):
    code, out, err = output(capsys, "masks", explained.root, "-q")
    assert (code, err) == (0, "")
    assert "Regions from: town (120 photos)" in out
    assert "again" not in out
    assert any(line.startswith("a ") and "vegetation" in line and "%" in line for line in out.splitlines())
    code, out, _ = output(capsys, "masks", explained.root, "-q", "--json")
    found = json.loads(out)
    assert (code, found["segmented"], found["explained"], found["stale"]) == (0, None, True, False)
    attention = json.loads((explained.explanations / "attention.json").read_text())
    for place, table in attention["places"].items():
        for region, row in table.items():
            told = found["places"][place][region]
            assert told["used"]["lift"] == row["lift"]
            assert told["low"] is None or told["low"] <= told["area_share"] <= told["high"]


def test_a_segmenter_makes_what_is_missing(tiny_town, tmp_path, capsys):
    with tiny_town.catalog() as catalog:
        for photo in list(catalog.photos(place="b")):
            catalog.update(photo.photo_id, mask=None, mask_sha256=None)
    save_segformer(tmp_path / "small", ["road", "sky", "torii"])
    arguments = ["masks", tiny_town.root, "-q", "--device", "cpu", "--segment", "--model", tmp_path / "small"]
    code, out, _ = output(capsys, *arguments)
    assert code == 0
    assert "small: 60 masks made, 0 were there, 60 photos have their own" in out
    assert "unlabelled: torii" in out
    assert "segmenter: small (60 photos), town (60 photos)" in out
    code, out, _ = output(capsys, *arguments, "--json")
    assert (code, json.loads(out)["segmented"]["there"]) == (0, 60)


def test_colours_are_named_as_weak(tiny_town, capsys):
    tiny_town.config_file.write_text(tiny_town.config_file.read_text() + '\n[regions]\nsource = "colour"\n')
    code, out, _ = output(capsys, "masks", tiny_town.root, "-q")
    assert code == 0
    assert "by colour alone" in out
    assert "green (by colour)" in out


def test_a_broken_photo_ends_with_its_code(tiny_town, tmp_path, capsys):
    with tiny_town.catalog() as catalog:
        for photo in list(catalog.photos()):
            catalog.update(photo.photo_id, mask=None, mask_sha256=None)
        tiny_town.path_of(photo.file).write_bytes(b"broken")
    save_segformer(tmp_path / "small")
    code, out, err = output(
        capsys, "masks", tiny_town.root, "-q", "--device", "cpu", "--segment", "--model", tmp_path / "small"
    )
    assert code == 12
    assert photo.file in err
    assert "119 masks made" in out


def test_a_model_without_segment_is_a_mistake(tiny_town, capsys):
    code, _, err = output(capsys, "masks", tiny_town.root, "--model", "small")
    assert (code, "--segment" in err) == (2, True)


def test_run_makes_masks_where_the_settings_ask_for_a_segmenter(explained, capsys):
    save_segformer(explained.root / "small")
    with explained.catalog() as catalog:
        for photo in list(catalog.photos()):
            catalog.update(photo.photo_id, mask=None, mask_sha256=None)
    text = explained.config_file.read_text()
    explained.config_file.write_text(text + '\n[regions]\nsource = "segmenter"\nmodel = "small"\nsize_px = 64\n')
    code, _, err = output(capsys, "explain", explained.root, "--device", "cpu")
    assert code == 5
    assert "--segment" in err
    assert output(capsys, "run", explained.root, "-q", "--device", "cpu", "--threads", "1")[0] == 0
    attention = json.loads((explained.explanations / "attention.json").read_text())
    assert list(attention["masks_from"]) == ["segmenter: small"]
    code, out, _ = output(capsys, "status", explained.root, "--json")
    assert {state["state"] for state in json.loads(out)["stages"]} == {"done"}
    shutil.rmtree(explained.masks)
    _, out, _ = output(capsys, "status", explained.root, "--json")
    assert {s["stage"]: s["state"] for s in json.loads(out)["stages"]}["masks"] == "missing"
