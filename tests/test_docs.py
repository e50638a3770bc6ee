"""The documents say what the code does: every command, option and setting, and no link leads nowhere."""

import importlib.util
import re
import sys
from dataclasses import fields, is_dataclass
from pathlib import Path

import click
import pytest

from machinami import errors
from machinami.cli.main import cli
from machinami.config import AreaConfig, Config, PlaceConfig

ROOT = Path(__file__).parents[1]
DOCS = ROOT / "docs"
PAGES = sorted([*DOCS.rglob("*.md"), *ROOT.glob("*.md")])
IDS = [page.relative_to(ROOT).as_posix() for page in PAGES]


def load_script(name):
    spec = importlib.util.spec_from_file_location(name, DOCS / f"{name}.py")
    script = importlib.util.module_from_spec(spec)
    sys.modules[name] = script  # dataclasses and inspect look there
    spec.loader.exec_module(script)
    return script


REFERENCE = load_script("make_reference")


@pytest.mark.parametrize("page", REFERENCE.PAGES)
def test_reference_is_what_the_code_says_now(page):
    written = (DOCS / "reference" / page).read_text(encoding="utf-8")
    assert written == REFERENCE.PAGES[page](), "run `make docs`"


@pytest.mark.parametrize("name", cli.commands)
def test_every_command_and_option_is_documented(name):
    page = (DOCS / "reference" / "commands.md").read_text(encoding="utf-8")
    heading = f"## machinami {name}\n"
    assert heading in page
    section = page.split(heading)[1].split("\n## ")[0]
    for parameter in cli.commands[name].params:
        assert not isinstance(parameter, click.Option) or parameter.help, f"{parameter.name} has no help"
        for option in parameter.opts if isinstance(parameter, click.Option) else []:
            assert re.search(rf"(?<![\w-]){re.escape(option)}(?![\w-])", section), option


def test_every_setting_is_documented_with_a_sentence():
    page = (DOCS / "reference" / "config.md").read_text(encoding="utf-8")
    rows = {
        cells[0]: cells for line in page.splitlines() if (cells := line.strip("| ").split(" | "))[0].startswith("`")
    }
    kinds = [PlaceConfig, AreaConfig]
    for field in fields(Config):
        value = getattr(Config(), field.name)
        if is_dataclass(value):
            assert f"\n## [{field.name}]\n" in page
            kinds.append(type(value))
    for kind in kinds:
        for field in fields(kind):
            assert f"`{field.name}`" in rows, f"{kind.__name__}.{field.name}"
            assert len(rows[f"`{field.name}`"][-1]) > 10, f"{kind.__name__}.{field.name} has no sentence"


def test_every_exit_code_is_documented():
    page = (DOCS / "reference" / "errors.md").read_text(encoding="utf-8")
    for name in errors.__all__:
        assert f"`{name}` | {getattr(errors, name).exit_code} |" in page


@pytest.mark.parametrize("page", PAGES, ids=IDS)
def test_links_lead_somewhere(page):
    for target in re.findall(r"\]\(([^)\s]+)\)", page.read_text(encoding="utf-8")):
        if not target.startswith(("http://", "https://")):
            assert (page.parent / target.split("#")[0]).exists(), target


def test_every_page_can_be_found():
    linked = set()
    for page in PAGES:
        targets = re.findall(r"\]\(([^)\s#]+\.md)", page.read_text(encoding="utf-8"))
        linked |= {(page.parent / target).resolve() for target in targets if "://" not in target}
    linked.add(DOCS / "performance.md")  # made by `make bench`
    lost = [name for page, name in zip(PAGES, IDS, strict=True) if page not in linked and page.parent != ROOT]
    assert lost == []


def command_lines(page):
    """What stands behind `machinami` in fenced shell blocks and in inline code."""
    text = page.read_text(encoding="utf-8")
    shells = "\n".join(re.findall(r"```sh\n(.*?)```", text, re.DOTALL))
    prose = re.sub(r"```.*?```", "", text, flags=re.DOTALL)
    in_blocks = re.findall(r"^machinami (.+)$", shells, re.MULTILINE)
    return in_blocks + re.findall(r"`machinami ([^`]+)`", prose)


@pytest.mark.parametrize("page", PAGES, ids=IDS)
def test_commands_that_are_shown_exist(page):
    for line in command_lines(page):
        name = line.split()[0]
        known = [cli, *filter(None, [cli.commands.get(name)])]
        assert name in cli.commands or name.startswith("-") or name == "…", line
        options = {option for command in known for p in command.params for option in p.opts} | {"--help", "-h"}
        shown = re.findall(r"(?<!\S)--?[a-z][a-z-]*", line.split("#")[0])
        assert set(shown) <= options, line


@pytest.mark.parametrize("page", PAGES, ids=IDS)
def test_make_targets_that_are_shown_exist(page):
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
    text = page.read_text(encoding="utf-8")
    shown = re.findall(r"`make ([a-z]+)`", text) + re.findall(r"^make ([a-z]+)", text, re.MULTILINE)
    assert set(shown) <= targets


def test_readme_shows_both_targets_and_a_first_project():
    readme = ROOT / "README.md"
    assert [line.split()[0] for line in command_lines(readme)][:4] == ["new", "import", "run", "predict"]
    assert {"make demo", "make test"} <= set(re.findall(r"^make \w+", readme.read_text(encoding="utf-8"), re.MULTILINE))


def test_the_tutorial_photos_can_be_imported(tmp_path):
    from machinami.collect.importing import import_photos
    from machinami.config_file import render_config
    from machinami.project import Project

    load_script("make_photos").write_photos(tmp_path / "photos", photos_per_town=2, seed=0)
    (tmp_path / "towns").mkdir()
    (tmp_path / "towns" / "machinami.toml").write_text(render_config((), {}), encoding="utf-8")
    project = Project.open(tmp_path / "towns")
    report = import_photos(
        project,
        project.config(),
        tmp_path / "photos",
        table=tmp_path / "photos" / "photos.csv",
        masks=tmp_path / "photos-masks",
    )
    assert (dict(report.by_place), report.masks, report.problems) == ({"a": 2, "b": 2}, 4, ())
    with project.catalog() as catalog:
        assert all(photo.lat is not None for photo in catalog.photos())
