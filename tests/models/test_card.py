import json

import pytest

from machinami.errors import ModelError
from machinami.models.card import read_card


def written(folder, facts):
    text = facts if isinstance(facts, str) else json.dumps(facts)
    (folder / "card.json").write_text(text, encoding="utf-8")
    return folder


def test_a_right_card_is_read_and_unknown_facts_are_passed_over(tmp_path, card_facts):
    card = read_card(written(tmp_path, {**card_facts, "from_the_future": 1}))
    assert card.keys == ("a", "b", "c")
    assert card.temperature == 1.5


def test_no_card_names_the_command(tmp_path):
    with pytest.raises(ModelError, match="machinami train"):
        read_card(tmp_path)


FILES = [{"file": name, "sha256": "0" * 64} for name in ("../x.safetensors", "/etc/passwd", "a/b", 3, None)]

KEYS = ["x/../../../../tmp/ESCAPED", "../x", "/tmp/x", "a/b", "a\\b", "..", "", "a\n", "a" * 65]


@pytest.mark.parametrize(
    "change",
    [
        *({"model": facts} for facts in FILES),
        *({"evaluated": facts} for facts in FILES),
        {"model": {"file": "model.safetensors"}},
        {"model": {"file": "model.safetensors", "sha256": "0"}},
        {"model": None},
        {"places": []},
        {"places": [{"key": "a", "label": "A"}]},
        {"places": [{"key": "a", "label": "A"}, {"key": "a", "label": "B"}]},
        *({"places": [{"key": key, "label": "A"}, {"key": "b", "label": "B"}]} for key in KEYS),
        {"places": [{"key": 1, "label": "A"}, {"key": 2, "label": "B"}]},
        {"places": [{"key": "a"}, {"key": "b"}]},
        {"places": "ab"},
        {"places": None},
        {"backbone": ["resnet18"]},
        {"image_size": 31},
        {"image_size": 1e9},
        {"image_size": 64.5},
        {"image_size": "64"},
        {"temperature": 0},
        {"temperature": -1},
        {"temperature": "1.5"},
        {"temperature": float("nan")},
        {"temperature": 10**400},
        {"temperature": True},
        {"mean": [0.5]},
        {"mean": "abc"},
        {"std": [0.0, 1.0, 1.0]},
        {"std": [float("inf")] * 3},
        {"std": None},
        {"format": 2},
        {"format": None},
    ],
    ids=lambda change: json.dumps(change)[:60],
)
def test_values_that_cannot_be_are_refused(tmp_path, card_facts, change):
    with pytest.raises(ModelError, match=r"card\.json"):
        read_card(written(tmp_path, {**card_facts, **change}))


@pytest.mark.parametrize("missing", ["places", "backbone", "image_size", "mean", "std", "temperature", "model"])
def test_a_card_with_a_gap_is_refused(tmp_path, card_facts, missing):
    facts = {name: value for name, value in card_facts.items() if name != missing}
    with pytest.raises(ModelError, match=missing):
        read_card(written(tmp_path, facts))


@pytest.mark.parametrize("text", ["", "{", "[]", "3", "[" * 100_000, "1" * 5000], ids=range(6))
def test_what_is_no_card_is_refused(tmp_path, text):
    with pytest.raises(ModelError, match=r"card\.json"):
        read_card(written(tmp_path, text))


def test_bytes_that_are_no_text_are_refused(tmp_path):
    (tmp_path / "card.json").write_bytes(b"\xff\xfe{}")
    with pytest.raises(ModelError, match="cannot be read"):
        read_card(tmp_path)
