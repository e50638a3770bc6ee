"""The sentences say what the files say."""

import json

import pytest

from machinami.report import build_report
from machinami.report.data import read_report_data
from machinami.report.facts import Lift
from machinami.report.sentences import (
    beliefs,
    calibration_words,
    confusion_words,
    findings,
    headline,
    lift_title,
    masks_words,
    strongest,
)
from machinami.split import Distances


def read(project):
    return read_report_data(project, project.config())


def plain(sentences):
    return [sentence.replace("\N{NO-BREAK SPACE}", " ") for sentence in sentences]


def test_numbers_are_those_of_the_files(make_project):
    project = make_project()
    test = json.loads(project.evaluation_file.read_text(encoding="utf-8"))["test"]
    figure = test["balanced_accuracy"]
    told, machida, chuo, *_ = plain(findings(read(project)))
    expected = f"{100 * figure['value']:.0f} % ({100 * figure['low']:.0f}–{100 * figure['high']:.0f})"
    assert expected == "92 % (88–96)"
    assert told == f"町田市 and 中央区 can be told apart: balanced accuracy {expected} on ground never seen."
    assert machida == "町田市 is given away by vegetation, with 3.1× (2.5–3.8) the evidence expected from area alone."
    assert chuo == "中央区: no kind of thing holds clearly more evidence than its area, beyond chance."


def test_japanese(make_project):
    told, machida, *_ = findings(read(make_project()), "ja")
    assert told == "町田市と中央区は見分けられる。初めて見る区画での平均正解率は92%（88〜96）。"
    assert machida == "町田市の決め手は草木。面積から見込まれる量の3.1倍（2.5〜3.8）の手がかりが集まる。"


@pytest.mark.parametrize(
    ("accuracy", "interval", "says"),
    [
        (0.92, True, "can be told apart: "),
        (0.7, True, "but not reliably"),
        (0.52, True, "cannot be told apart from these photos: balanced accuracy 52 % (48–55)"),
        (
            0.92,
            False,
            "may be told apart, but there are too few blocks for an interval: balanced accuracy 92 %",
        ),
        (0.5, False, "cannot be told apart"),
    ],
)
def test_claim_follows_the_interval(make_project, accuracy, interval, says):
    text = headline(read(make_project(accuracy=accuracy, interval=interval)), "en")
    assert says in text.replace("\N{NO-BREAK SPACE}", " ")


def test_random_split_is_branded_in_the_first_line(make_project):
    first, second, *_ = findings(read(make_project(branded="random split: …")))
    assert first.startswith("Random split")
    assert "never seen" not in second
    assert "on photos drawn at random" in second


def test_few_blocks_are_told(make_project):
    assert plain(beliefs(read(make_project()), "en"))[0] == (
        "The interval rests on 2 blocks, fewer than 20: take it as rough."
    )


def test_silent_on_what_was_not_measured(make_project):
    said = " ".join(beliefs(read(make_project()), "en"))
    assert "baseline" not in said
    assert "Split at random" not in said
    assert "Cramér" not in said


def test_what_was_measured_is_told(make_project):
    project = make_project(distances=Distances(min=51.0, p5=60.0, p10=88.4, median=410.0))
    figures = json.loads(project.evaluation_file.read_text(encoding="utf-8"))
    figures["baselines"] = {"majority": {"accuracy": 0.5}, "colour": 0.61, "metadata": {"accuracy": {"value": None}}}
    figures["random_split"] = {"accuracy": 0.99, "gap": 0.07, "gap_low": 0.02, "gap_high": 0.12}
    figures["confounds"] = [{"column": "camera_model", "cramers_v": 0.93, "verdict": "confounded"}]
    project.evaluation_file.write_text(json.dumps(figures), encoding="utf-8")
    said = " ".join(plain(beliefs(read(project), "en")))
    assert "The strongest simple baseline, colours alone, reaches 61 % accuracy" in said
    assert "would show 99 % accuracy" in said
    assert "camera_model goes with the place (Cramér's V 0.93)" in said
    assert "more than 88 m from the nearest training photo, half of them more than 410 m" in said
    assert "opened 2 times" in said
    assert "is what neighbours give away" in said
    figures["random_split"] |= {"gap_low": -0.02, "gap_high": 0.16}
    project.evaluation_file.write_text(json.dumps(figures), encoding="utf-8")
    said = " ".join(plain(beliefs(read(project), "en")))
    assert "no gain from neighbours is shown" in said
    assert "give away" not in said


def test_confusion_and_calibration(make_project):
    data = read(make_project())
    assert (
        plain(confusion_words(data, "en"))[0] == "町田市: 3 of 4 photos told rightly; most often taken for 中央区 (1)."
    )
    assert "4.2 points" in plain(calibration_words(data, "en"))[0]


def test_rounding_never_claims_all_or_nothing():
    from machinami.report.texts import texts

    percent = texts("ja").percent
    assert [percent(x) for x in (1, 0.9996, 0.996, 0.004, 0.0001, 0, None)] == [
        "100%", "99.9%", "99.6%", "0.4%", "0.1%", "0%", "–",
    ]  # fmt: skip


def test_a_lift_over_two_blocks_is_told_as_too_little(make_project):
    data = read(make_project(lift_blocks=2))
    _, machida, *_ = plain(findings(data))
    assert machida == (
        "町田市: 3.1× (2.5–3.8) the evidence expected from area alone falls on vegetation, but in 2 blocks only, "
        "too few to say what gives it away."
    )
    assert lift_title(data, "en").startswith("Too few blocks")
    assert "2ブロックだけでは" in findings(data, "ja")[1]


def test_a_lift_that_chance_gives_as_well_is_not_claimed(make_project):
    data = read(make_project(distinguishable=False))
    _, machida, *_ = plain(findings(data))
    assert machida == "町田市: no kind of thing holds clearly more evidence than its area, beyond chance."
    assert "vegetation" not in lift_title(data, "en")
    assert "偶然" in findings(data, "ja")[1]


def test_nor_is_it_when_it_rests_on_few_blocks(make_project):
    few = read(make_project(distinguishable=False, lift_blocks=2))
    assert "vegetation" not in plain(findings(few))[1]


@pytest.mark.parametrize(
    ("distinguishable", "effect", "said"),
    [
        (True, 1.5, "Blanking vegetation out takes 1.5 to 1.7 logits more from the score than blanking as much"),
        (True, 0.0, "But blanking vegetation out does not clearly take more from the score"),
        (False, 1.5, "Yet the score needs vegetation: blanking it out takes 1.5 to 1.7 logits more"),
    ],
)
def test_whether_the_effect_bears_out_the_lift_is_said(make_project, distinguishable, effect, said):
    data = read(make_project(distinguishable=distinguishable, effect=effect))
    assert said in plain(findings(data))[1]
    assert "塗りつぶ" in findings(data, "ja")[1]


def test_without_a_disagreement_nothing_is_added(make_project):
    data = read(make_project(distinguishable=False, effect=0.0))
    assert plain(findings(data))[1].endswith("beyond chance.")


@pytest.mark.parametrize(("area_share", "named"), [(0.03, ["car"]), (0.019, []), (None, ["car"])])
def test_what_is_smaller_than_a_cell_gives_nothing_away(area_share, named):
    car = Lift(
        region="car", photos=30, share=0.05, area_share=area_share, lift=1.7, low=1.4, high=1.9, against=None,
        distinguishable=None, blocks=8,
    )  # fmt: skip
    assert [lift.region for lift in strongest((car,))] == named


@pytest.mark.parametrize(
    ("masks_from", "said"),
    [
        ({}, []),
        ({"user": 7}, ["The kinds of things come from masks of your own (7 photos)."]),
        (
            {"segmenter: owner/small": 5, "town": 1},
            ["The kinds of things come from the segmenter owner/small (5 photos) and the made town (1 photo)."],
        ),
    ],
)
def test_whose_masks_they_are_is_told(make_project, masks_from, said):
    project = make_project()
    edit_attention(project, masks_from=masks_from)
    assert plain(masks_words(read(project), "en")) == said
    assert len(masks_words(read(project), "ja")) == len(said)


def test_colours_are_told_as_weak(make_project):
    project = make_project()
    edit_attention(project, masks_from={"colour": 8})
    for lang, words in (("en", "by colour alone"), ("ja", "色だけ")):
        assert words in masks_words(read(project), lang)[0]
        build_report(project, project.config())
        assert words in project.report_file.read_text(encoding="utf-8")


def edit_attention(project, **changes):
    file = project.explanations / "attention.json"
    file.write_text(json.dumps({**json.loads(file.read_text()), **changes}))
