from machinami.evaluate.verdict import verdict_of


def figures(*, blocks=40, strategy="blocks", per_place=(20, 20)):
    return {
        "test": {"blocks": blocks, "balanced_accuracy": {"value": 0.93, "low": 0.9, "high": 0.95}},
        "per_place": {name: {"blocks": count} for name, count in zip(("a", "b"), per_place, strict=True)},
        "split": {"strategy": strategy},
        "baselines": {"balanced_accuracy": {"metadata": 0.91}},
        "confounds": [
            {"column": "camera", "verdict": "confounded", "detail": "X: a: 9 of 9, b: 0 of 9"},
            {"column": "hour", "verdict": "weak", "detail": "12: a: 2 of 9, b: 1 of 9"},
        ],
    }


def test_a_sound_figure_says_what_it_rests_on_and_warns_under_twenty_blocks():
    assert verdict_of(figures(), metadata_near=False) == {
        "code": "sound",
        "reasons": ["measured on 40 blocks of ground that were never learned from"],
        "facts": [{"blocks": 40, "fact": "new-ground"}],
    }
    few = verdict_of(figures(blocks=15), metadata_near=False)
    assert few["code"] == "sound"
    assert "fewer than 20 blocks" in few["reasons"][1]


def test_confounded_comes_before_all_else_and_names_metadata_and_columns():
    found = verdict_of(figures(blocks=6, strategy="random"), metadata_near=True)
    assert found["code"] == "confounded"
    assert "91 % balanced accuracy, the network 93 %" in found["reasons"][0]
    assert found["reasons"][1] == "camera goes with the place (X: a: 9 of 9, b: 0 of 9)"
    assert any("random" in said for said in found["reasons"])
    assert any("6 test blocks" in said for said in found["reasons"])
    assert not any("hour" in said for said in found["reasons"])


def test_a_random_split_and_too_few_blocks():
    assert verdict_of(figures(strategy="random"), metadata_near=False)["code"] == "random-split"
    assert verdict_of(figures(blocks=9), metadata_near=False)["code"] == "too-few-blocks"
    alone = verdict_of(figures(blocks=12, per_place=(11, 1)), metadata_near=False)
    assert alone["code"] == "too-few-blocks"
    assert alone["reasons"] == ["b has a single test block, so nothing tells how much another would differ"]


def test_another_labelled_set_has_no_split_and_no_baselines():
    other = figures() | {"split": None, "baselines": None, "confounds": None}
    found = verdict_of(other, metadata_near=False)
    assert (found["code"], found["reasons"]) == ("sound", ["measured on 40 blocks of photos"])
