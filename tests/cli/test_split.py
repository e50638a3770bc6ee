"""What `machinami split` prints and draws, and the brand that a random split leaves on everything made from it."""

import json
import re

import pytest

from machinami.cli.main import run
from machinami.split import read_split

BRAND = "random split: neighbouring photos stand on both sides"
CPU = ("--device", "cpu", "--threads", "1")


def said(capsys, *arguments):
    """What a command prints on standard output."""
    capsys.readouterr()
    assert run([str(argument) for argument in arguments]) == 0
    return capsys.readouterr().out


def test_the_tables_tell_folds_uses_distances_and_leaks(tiny_town, capsys):
    text = said(capsys, "split", tiny_town.root, "-q")
    split = read_split(tiny_town)
    rows = {line.split()[0]: line for line in text.splitlines() if line.strip()}
    assert re.search(r"place +fold 0, test +fold 1, validation +fold 2 +fold 3 +fold 4", text)
    counts = split.report.counts["a"]
    assert re.search(rf"a +{counts['test'].photos} in {counts['test'].blocks} +", text)
    assert rows["Digest:"] == f"Digest: {split.digest}"
    assert "Near duplicates across folds: 0" in text
    assert f"{split.report.test_to_train_m.median:.0f} m (half of them)" in text
    assert BRAND not in text


def test_json_holds_the_whole_report(tiny_town, capsys):
    found = json.loads(said(capsys, "split", tiny_town.root, "-q", "--json"))
    assert {"counts", "fold_counts", "dropped_counts", "test_to_train_m", "digest", "branded"} <= set(found)
    assert set(found["test_to_train_m"]) == {"min", "p5", "p10", "median"}
    for place in "ab":
        photos = sum(count["photos"] for count in found["fold_counts"][place].values())
        assert photos == sum(count["photos"] for count in found["counts"][place].values())


def test_the_map_is_drawn_and_forgotten_with_the_split(tiny_town, capsys):
    assert f"The map: {tiny_town.root}/split.svg" in said(capsys, "split", tiny_town.root, "-q")
    assert "Town A" in tiny_town.split_map.read_text(encoding="utf-8")
    said(capsys, "forget", tiny_town.root, "1")
    assert not tiny_town.split_map.exists()


@pytest.fixture(scope="module")
def random_town(laid_town, tmp_path_factory):
    """The tiny town, split at random and run to the end."""
    import shutil

    root = tmp_path_factory.mktemp("random") / "town"
    shutil.copytree(laid_town, root)
    config = root / "machinami.toml"
    config.write_text(config.read_text().replace("[split]", '[split]\nstrategy = "random"'))
    assert run(["run", str(root), "-q", *CPU]) == 0
    return root


@pytest.mark.slow
@pytest.mark.parametrize("file", ["split.json", "evaluation.json", "model/card.json", "explanations/attention.json"])
def test_a_random_split_brands_every_file(random_town, file):
    assert json.loads((random_town / file).read_text())["branded"].startswith(BRAND)


@pytest.mark.slow
def test_a_random_split_brands_the_report_and_the_map(random_town):
    page = (random_town / "report.html").read_text()
    assert "Random split: neighbouring photos" in page.split("<h1>")[1].split("</h1>")[0]
    assert "Random split: neighbouring photos" in (random_town / "split.svg").read_text()


@pytest.mark.slow
@pytest.mark.parametrize(
    "command", ["split", "train", "explain", "report", "run", "split --json", "evaluate --json", "run --json"]
)
def test_a_random_split_brands_what_commands_print(random_town, tmp_path, capsys, command):
    import shutil

    root = tmp_path / "town"
    shutil.copytree(random_town, root)
    name, *options = command.split()
    text = said(capsys, name, root, "-q", *options, *(() if name in ("split", "report") else CPU)).lower()
    assert BRAND in text
    assert options or text.startswith(BRAND)


@pytest.mark.slow
def test_a_model_chosen_on_a_random_split_says_so_wherever_it_goes(random_town, tmp_path, capsys):
    import shutil

    photo = next((random_town / "photos").rglob("*.jpg"))
    model = tmp_path / "model"
    shutil.copytree(random_town / "model", model)
    assert said(capsys, "predict", model, photo, "-q", *CPU).startswith(BRAND)
    (entry,) = json.loads(said(capsys, "predict", model, photo, "-q", "--json", *CPU))
    assert entry["branded"].startswith(BRAND)
    others = tmp_path / "others"
    for place in "ab":
        (others / place).mkdir(parents=True)
        shutil.copyfile(photo, others / place / "1.jpg")
    figures = json.loads(said(capsys, "evaluate", random_town, "--photos", others, "-q", "--json", *CPU))
    assert figures["branded"].startswith(BRAND)


@pytest.mark.slow
def test_an_honest_split_brands_nothing(finished_town, capsys):
    for file in ("split.json", "evaluation.json", "model/card.json", "explanations/attention.json"):
        assert json.loads((finished_town / file).read_text())["branded"] is None
    photo = next((finished_town / "photos").rglob("*.jpg"))
    (entry,) = json.loads(said(capsys, "predict", finished_town, photo, "-q", "--json", *CPU))
    assert set(entry) == {"file", "place", "probabilities", "familiarity", "error"}
