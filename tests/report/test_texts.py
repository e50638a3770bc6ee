"""Both languages hold the same texts, with the same blanks, and the pages use no other."""

import re
from importlib.resources import files
from string import Formatter

from machinami.report.texts import LANGUAGES, texts

ALL = {lang: texts(lang) for lang in LANGUAGES}


def blanks(text):
    return {name for _, name, _, _ in Formatter().parse(text) if name}


def test_same_keys_in_the_same_order():
    assert ALL["en"].names() == ALL["ja"].names()


def test_same_blanks():
    for key in ALL["en"].names():
        assert blanks(ALL["en"].known(key, "")) == blanks(ALL["ja"].known(key, "")), key


def test_japanese_is_japanese():
    same = {key for key in ALL["en"].names() if ALL["en"].known(key, "") == ALL["ja"].known(key, "")}
    assert same <= {"dash", "document.title", "map.metres", "map.kilometres", "well.f1.column"}


def test_templates_use_known_keys():
    folder = files("machinami.report") / "templates"
    used = set()
    for file in folder.iterdir():
        used |= set(re.findall(r"""\bt\("([a-z0-9_.]+)"[,)]""", file.read_text(encoding="utf-8")))
    assert len(used) > 60
    assert used <= set(ALL["en"].names())
