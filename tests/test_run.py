"""The whole job through the command line, on a tiny made town."""

import json
import shutil

import numpy as np
import pyarrow.parquet as pq
import pytest
from PIL import Image

from machinami.cli.main import run
from machinami.pipeline import STAGES, stage_states
from machinami.project import Project

FIELDS = {
    "places", "test", "per_place", "confusion", "split", "random_split", "baselines", "confounds", "test_opened",
    "top_k", "reliability", "selective", "similar_pairs", "learning_curve",
}  # fmt: skip
TEST_FIELDS = {
    "photos", "blocks", "accuracy", "balanced_accuracy", "macro_f1", "nll", "brier", "ece", "ece_uncalibrated",
}  # fmt: skip


@pytest.fixture(scope="module")
def finished(finished_town):
    """The tiny town after `machinami run`. Not to be changed."""
    return Project.open(finished_town)


@pytest.fixture(scope="module")
def photos(finished):
    with finished.catalog() as catalog:
        return [str(finished.path_of(photo.file)) for photo in catalog.photos()]


def answered(capsys, arguments, code=0):
    capsys.readouterr()
    assert run(arguments) == code
    return json.loads(capsys.readouterr().out)


def test_all_files_of_the_design_are_there(finished):
    files = {path.relative_to(finished.root).as_posix() for path in finished.root.rglob("*") if path.is_file()}
    assert {
        "machinami.toml", "catalog.sqlite", "split.json", "model/card.json", "model/model.safetensors",
        "model/evaluated.safetensors", "evaluation.json", "predictions/part-00000.parquet",
        "explanations/attention.json", "report.html", "runs.jsonl",
    } <= files  # fmt: skip
    assert list(finished.explanations.glob("heatmaps/part-*.npz"))
    assert not [name for name in files if ".part" in name or name.endswith(".old")]
    assert "<html" in finished.report_file.read_text()


def test_the_evaluation_has_the_fields_of_the_design(finished):
    figures = json.loads(finished.evaluation_file.read_text())
    assert set(figures) == FIELDS | {"branded", "cross_validation", "place_order", "matched", "verdict"}
    assert set(figures["test"]) == TEST_FIELDS | {"ece_expected"}
    for name in ("accuracy", "balanced_accuracy", "macro_f1"):
        assert set(figures["test"][name]) == {"value", "low", "high"}
    assert figures["places"] == ["a", "b"]
    for facts in figures["per_place"].values():
        assert set(facts) == {"photos", "blocks", "precision", "recall", "f1"}
    assert np.sum(figures["confusion"]) == figures["test"]["photos"]
    assert {"strategy", "block_m", "buffer_m", "test_to_train_m", "near_duplicates_across"} <= set(figures["split"])
    assert figures["test_opened"] == 1


def test_predictions_agree_with_the_evaluation(finished):
    table = pq.read_table(finished.predictions).to_pandas()
    assert {"photo_id", "place", "predicted", "p_a", "p_b", "split", "block"} <= set(table)
    assert np.allclose(table["p_a"] + table["p_b"], 1, atol=1e-5)
    test = table[table["split"] == "test"]
    accuracy = (test["place"] == test["predicted"]).mean()
    assert accuracy == pytest.approx(json.loads(finished.evaluation_file.read_text())["test"]["accuracy"]["value"])


def test_heatmaps_are_of_the_test_photos(finished):
    table = pq.read_table(finished.predictions).to_pandas()
    ids = []
    for part in finished.explanations.glob("heatmaps/part-*.npz"):
        with np.load(part) as stored:
            assert stored["maps"].dtype == np.float16
            assert stored["completeness"].max() < 1e-3
            ids += stored["photo_id"].tolist()
    assert sorted(ids) == sorted(table.loc[table["split"] == "test", "photo_id"])


def test_a_second_run_does_nothing(finished, capsys):
    before = {path: path.stat().st_mtime_ns for path in finished.root.rglob("*") if path.is_file()}
    assert answered(capsys, ["run", str(finished.root), "-q", "--json"])["ran"] == []
    after = {path: path.stat().st_mtime_ns for path in finished.root.rglob("*") if path.is_file()}
    assert {path.name for path in after if after[path] != before.get(path)} <= {
        "catalog.sqlite-shm",
        "catalog.sqlite-wal",
    }


def test_status_says_that_all_is_done(finished, capsys):
    said = answered(capsys, ["status", str(finished.root), "--json"])
    assert said["next"] is None
    assert {stage["state"] for stage in said["stages"]} == {"done"}
    assert [row["photos"] for row in said["photos"]] == [60, 60]


def emptied(path):
    path.write_bytes(b"")


def cut(path):
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def scrambled(path):
    data = bytearray(path.read_bytes())
    data[len(data) // 3] ^= 0x55
    path.write_bytes(data)


DAMAGES = [
    ("split.json", cut, "split"), ("model/evaluated.safetensors", scrambled, "train"),
    ("evaluation.json", cut, "evaluate"), ("evaluation.json", lambda path: path.write_text("{}"), "evaluate"),
    ("predictions/part-00000.parquet", scrambled, "evaluate"), ("predictions", shutil.rmtree, "evaluate"),
    ("model/model.safetensors", emptied, "refit"), ("explanations/attention.json", cut, "explain"),
    ("explanations/heatmaps", shutil.rmtree, "explain"), ("explanations/heatmaps/part-00000.npz", scrambled, "explain"),
    ("explanations/pictures", shutil.rmtree, "explain"), ("report.html", emptied, "report"),
]  # fmt: skip


@pytest.mark.parametrize(("name", "damage", "stage"), DAMAGES)
def test_a_damaged_result_makes_its_stage_run_again(finished, copied_town, name, damage, stage):
    project = copied_town(finished.root)
    damage(project.root / name)
    states = [state.state for state in stage_states(project, project.config())]
    names = [each.name for each in STAGES if each.wanted(project.config())]
    assert states[: names.index(stage)] == ["done"] * names.index(stage)
    assert states[names.index(stage)] == "missing"


def test_run_gets_past_all_damage(finished, copied_town, capsys):
    project = copied_town(finished.root)
    for name, damage, _ in DAMAGES:
        if (project.root / name).exists():
            damage(project.root / name)
    arguments = ["run", str(project.root), "-q", "--json", "--device", "cpu", "--threads", "1"]
    assert answered(capsys, arguments)["ran"] == ["split", "train", "evaluate", "refit", "explain", "report"]
    assert {state.state for state in stage_states(project, project.config())} == {"done"}


@pytest.mark.parametrize(("source", "step"), [([], "import"), (["--source", "panoramax"], "collect")])
def test_a_new_project_says_how_photos_come_in(tmp_path, capsys, source, step):
    folder = tmp_path / "tokyo"
    assert run(["new", str(folder), *source]) == 0
    assert f"machinami {step} " in capsys.readouterr().out
    assert run(["status", str(folder), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["next"].startswith(f"machinami {step} ")


def test_status_names_what_comes_next(tiny_town, capsys):
    said = answered(capsys, ["status", str(tiny_town.root), "--json"])
    assert said["next"] == f"machinami run {tiny_town.root}"
    assert [stage["state"] for stage in said["stages"]][:3] == ["done", "done", "missing"]


def test_a_bare_model_folder_predicts_and_a_bad_photo_is_an_entry(finished, photos, tmp_path, capsys):
    shutil.copytree(finished.model, tmp_path / "passed-on")
    bad = tmp_path / "bad #1 町.jpg"
    bad.write_bytes(b"no photo")
    files = [photos[0], str(bad), str(tmp_path / "not-there.jpg"), photos[-1]]
    answers = answered(capsys, ["predict", str(tmp_path / "passed-on"), *files, "-q", "--json"], code=12)
    assert [answer["file"] for answer in answers] == files
    for answer in answers:
        assert set(answer) == {"file", "place", "probabilities", "familiarity", "error"}
    for answer in (answers[0], answers[3]):
        assert answer["error"] is None
        assert set(answer["probabilities"]) == {"a", "b"}
        assert sum(answer["probabilities"].values()) == pytest.approx(1, abs=1e-5)
        assert answer["place"] == max(answer["probabilities"], key=answer["probabilities"].get)
    for answer in answers[1:3]:
        assert answer["place"] is None
        assert answer["probabilities"] == {}
        assert answer["error"]
    whole = answered(capsys, ["predict", str(finished.root), photos[0], photos[-1], "-q", "--json"])
    assert whole == [answers[0], answers[3]]


def test_heatmap_pictures_are_written_for_every_place(finished, photos, tmp_path, capsys):
    pictures = tmp_path / "pictures"
    answered(capsys, ["predict", str(finished.root), photos[0], "--heatmaps", str(pictures), "-q", "--json"])
    assert sorted(path.suffixes[-2:] for path in pictures.iterdir()) == [[".a", ".png"], [".b", ".png"]]


def test_a_picture_that_cannot_be_drawn_is_an_error_of_its_photo(finished, photos, tmp_path, capsys, monkeypatch):
    """A photo of one column has its sheet; where a sheet cannot be saved, the answers stay."""
    narrow = tmp_path / "narrow.png"
    Image.fromarray(np.random.default_rng(0).integers(0, 255, (9000, 1, 3), np.uint8)).save(narrow)
    arguments = [
        "predict",
        str(finished.root),
        str(narrow),
        photos[0],
        "--heatmaps",
        str(tmp_path / "a"),
        "-q",
        "--json",
    ]
    assert [answer["error"] for answer in answered(capsys, arguments)] == [None, None]
    assert len(list((tmp_path / "a").iterdir())) == 4

    def refuse(pixels, *_, **__):
        if pixels.shape[1] == 1:
            raise ValueError("too long")
        return pixels

    monkeypatch.setattr("machinami.predict.side_by_side", refuse)
    first, second = answered(capsys, arguments, code=12)
    assert first["error"] == "no heatmap could be written (too long)"
    assert first["place"] is not None
    assert second["error"] is None


def test_heatmaps_that_can_go_nowhere_are_refused_at_once(finished, photos, capsys):
    capsys.readouterr()
    assert run(["predict", str(finished.root), photos[0], "--heatmaps", f"{photos[1]}/x", "-q"]) == 4
    assert "no heatmaps can be written there" in capsys.readouterr().err


@pytest.mark.parametrize("command", ["status", "run", "check", "report"])
def test_a_scrambled_catalogue_is_an_error_that_names_it(finished, copied_town, tmp_path, capsys, command):
    project = copied_town(finished.root)
    data = bytearray(project.catalog_file.read_bytes())
    data[4096:] = bytes(0x5A for _ in data[4096:])  # the first page, with version and tables, stays
    project.catalog_file.write_bytes(data)
    assert run([command, str(project.root)]) == 4
    said = capsys.readouterr().err
    assert "catalog.sqlite: the catalogue cannot be read or written" in said
    assert run(["import", str(project.root), str(finished.photos)]) == 4


def test_another_set_is_told_by_the_labels_of_now(finished, copied_town, edit_config, photos, tmp_path, capsys):
    project = copied_town(finished.root)
    edit_config(project, 'label = "Town A"', 'label = "Town of A"')
    for folder, files in (("Town of A", photos[:3]), ("b", photos[-3:])):
        (tmp_path / "others" / folder).mkdir(parents=True)
        for file in files:
            shutil.copy(file, tmp_path / "others" / folder)
    arguments = ["evaluate", str(project.root), "--photos", str(tmp_path / "others"), "-q", "--json"]
    assert answered(capsys, arguments)["test"]["photos"] == 6


def test_what_no_stage_foresaw_is_no_traceback(finished, monkeypatch, capsys):
    def refuse(*_):
        raise PermissionError(13, "Permission denied", "some/file")

    monkeypatch.setattr("machinami.pipeline.stage_states", refuse)
    assert run(["status", str(finished.root)]) == 4
    assert "machinami: some/file cannot be read or written (Permission denied)" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (["no-such-command"], 2),
        (["status", "nowhere"], 4),
        (["train", "{new}"], 5),
        (["evaluate", "{new}"], 5),
        (["explain", "{new}"], 5),
        (["new", "{new}/machinami.toml/x"], 4),
        (["predict", "{new}", "x.jpg"], 10),
        (["new", "{new}"], 4),
        (["status", "{broken}"], 3),
    ],
)
def test_errors_end_with_the_code_of_their_class(tmp_path, capsys, arguments, code):
    for name, text in (("new", ""), ("broken", "sed = 1")):
        (tmp_path / name).mkdir()
        (tmp_path / name / "machinami.toml").write_text(text)
    places = {"new": str(tmp_path / "new"), "broken": str(tmp_path / "broken")}
    assert run([argument.format(**places) for argument in arguments]) == code
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err
    assert "Traceback" not in said.err
