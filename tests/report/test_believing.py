"""The verdict begins every output in both languages, and the page shows what it rests on."""

import json
from dataclasses import replace

import pytest

from machinami.evaluate import verdict
from machinami.evaluate.verdict import verdict_of
from machinami.progress import silent
from machinami.report import believing
from machinami.report.belief import Bin
from machinami.report.data import read_report_data
from machinami.report.gallery import Gallery, make_gallery
from machinami.report.page import render_page
from machinami.report.plots import _calibrated
from machinami.report.sentences import findings, opening
from machinami.report.texts import LANGUAGES, texts
from machinami.split import Distances, read_split

EMPTY = Gallery(shots=(), scale=None, grid=None, chosen=0, unreadable=0)
TELLING = {"value": "X1", "photos": {"machida": 9, "chuo": 0}, "of": {"machida": 12, "chuo": 11}}


def measured(project, *, metadata=0.6, blocks=(15, 15)):
    """The project's data with all that an evaluation measures."""
    figures = json.loads(project.evaluation_file.read_text(encoding="utf-8"))
    figures["test"] |= {"blocks": sum(blocks), "ece_expected": {"mean": 0.03, "high": 0.06}}
    for key, n in zip(figures["places"], blocks, strict=False):
        figures["per_place"][key]["blocks"] = n
    camera = {"column": "camera", "cramers_v": 0.93, "chance": 0.31, "detail": "X1: …", "telling": TELLING}
    linked = "confounded" if metadata > 0.8 else "none"
    figures |= {
        "baselines": {
            "majority": 0.5, "colour": 0.7, "metadata": {"accuracy": metadata, "columns": ["camera"]},
            "balanced_accuracy": {"majority": 0.5, "colour": 0.7, "metadata": metadata}, "reasons": {},
        },
        "confounds": [camera | {"verdict": linked}],
        "random_split": {"accuracy": 0.99, "balanced_accuracy": 0.98, "balanced_gap": 0.06, "balanced_gap_low": 0.01,
                         "balanced_gap_high": 0.11},
        "reliability": [{"confidence": 0.7, "accuracy": 0.5, "photos": 4},
                        {"confidence": 0.95, "accuracy": 1.0, "photos": 4}],
        "selective": [{"share": n / 10, "accuracy": 1 - n / 100, "confidence": 0.9} for n in range(1, 11)],
        "similar_pairs": [{"places": figures["places"][:2], "similarity": 0.4, "low": 0.2, "high": 0.6, "mistakes": 3,
                           "of": 16, "photos": [1]}],
        "learning_curve": {
            "points": [{"blocks": 9, "photos": 90, "value": 0.8, "low": 0.7, "high": 0.9}],
            "forecast": [{"blocks": 18, "value": 0.85, "low": 0.75, "high": 0.95}],
        },
    }  # fmt: skip
    figures["split"] = {"strategy": read_split(project).strategy}
    figures["verdict"] = verdict_of(figures, metadata_near=metadata > 0.8)
    project.evaluation_file.write_text(json.dumps(figures), encoding="utf-8")
    return read_report_data(project, project.config())


def first(data, lang="en"):
    return findings(data, lang)[0].replace("\N{NO-BREAK SPACE}", " ")


def test_a_sound_figure(make_project):
    data = measured(make_project())
    assert first(data) == (
        "Sound: 町田市 and 中央区 can be told apart, with balanced accuracy 92 % (88–96) over 30 blocks of ground "
        "never seen."
    )
    assert first(data, "ja") == (
        "信頼できる：町田市と中央区は見分けられる。初めて見る土地30ブロックでの平均正解率は92%（88〜96）。"
    )


def test_a_confounded_one(make_project):
    data = measured(make_project(), metadata=0.95)
    assert first(data) == (
        "Confounded: balanced accuracy 92 % (88–96) over 30 blocks, but metadata alone, how the photos were taken, "
        "reads 95 %."
    )
    assert first(data, "ja").startswith("交絡：30ブロックでの平均正解率は92%（88〜96）だが、")
    assert believing.verdict_reasons(data.scores, "en")[1] == (
        "The camera goes with the place (X1: 町田市 9 of 12, 中央区 0 of 11)."
    )
    assert believing.verdict_reasons(data.scores, "ja")[1] == (
        "カメラが場所と結びついている（「X1」が町田市は12枚中9枚、中央区は11枚中0枚）。"
    )
    assert not any(letter in "".join(believing.verdict_reasons(data.scores, "ja")) for letter in ("not", "of "))


@pytest.mark.parametrize(
    ("blocks", "english", "japanese"),
    [
        ((4, 3), "Too few blocks: balanced accuracy 92 % (88–96) over 7 blocks, fewer", "ブロック不足：7ブロック"),
        ((12, 1), "Too few blocks: balanced accuracy 92 % (88–96) over 13 blocks, only one of them of 中央区",
         "ブロック不足：13ブロックでの平均正解率は92%（88〜96）。そのうち中央区は1ブロックだけ"),
    ],
)  # fmt: skip
def test_an_underpowered_one(make_project, blocks, english, japanese):
    data = measured(make_project(), blocks=blocks)
    assert first(data).startswith(english)
    assert first(data, "ja").startswith(japanese)


def test_confounded_comes_before_the_random_split_which_is_still_told(make_project):
    data = measured(make_project(branded="random split: …"), metadata=0.95)
    assert [line.split(":")[0] for line in findings(data)[:2]] == ["Confounded", "Random split"]
    data = measured(make_project("other", branded="random split: …"))
    assert [line.startswith("Random split") for line in findings(data)[:2]] == [True, False]


@pytest.mark.parametrize("metadata", [0.6, 0.95])
def test_the_page_begins_with_the_verdict_and_shows_what_it_rests_on(make_project, metadata):
    data = measured(make_project(distances=Distances(min=51.0, p5=60.0, p10=88.4, median=410.0)), metadata=metadata)
    page = render_page(data, EMPTY)
    assert opening(data, "en").split(":")[0] in page.split("<h1>")[1].split("</h1>")[0]
    section = page.split('<section id="believe">')[1].split("</section>")[0]
    assert section.count("<svg") == 5 + 3  # network, random split, three simpler means; three plots
    assert "so much is memory of the ground" in section
    assert ("町田市 9 of 12" in section) == (metadata > 0.8)
    assert "Hardest" not in section  # of two places there is one pair


def test_the_hardest_pairs_of_three_places(make_project):
    project = make_project(labels={"machida": "町田市", "chuo": "中央区", "minato": "港区"})
    page = render_page(measured(project, blocks=(10, 10, 10)), EMPTY)
    assert "Hardest to tell apart: 町田市 and 中央区" in page
    assert "最も見分けにくいのは町田市と中央区" in page


def test_titles_say_what_was_found(make_project):
    scores = measured(make_project()).scores
    plain = [function(scores, "en").replace("\N{NO-BREAK SPACE}", " ") for function in (
        believing.rivals_title, believing.confound_title, believing.reliability_title, believing.selective_title,
        believing.curve_title,
    )]  # fmt: skip
    assert plain == [
        "The network reads 22.3 points more than the strongest simple means, colours alone",
        "Nothing in how the photos were taken goes with the place beyond chance",
        "Its percentages miss by no more than chance gives",
        "Of the surest half of its answers 95 % are right, of all 90 %",
        "With 18 blocks instead of 9 blocks, a linear probe would reach about 85 % (75–95)",
    ]


def test_an_old_file_without_a_verdict_is_still_read(make_project):
    project = make_project()
    data = read_report_data(project, project.config())
    assert first(data).startswith("町田市 and 中央区 can be told apart")
    assert '<section id="believe">' in render_page(data, EMPTY)


def test_the_band_of_a_calibrated_network_is_that_of_the_binomial():
    (low,), (high,) = _calibrated([Bin(confidence=0.5, accuracy=0.5, photos=100)])
    assert (low, high) == (0.4, 0.6)


def test_every_kind_of_fact_has_its_sentence_in_every_language():
    kinds = {f"verdict.fact.{kind}" for kind in verdict.SENTENCES}
    for lang in LANGUAGES:
        assert {name for name in texts(lang).names() if name.startswith("verdict.fact.")} == kinds


def test_a_shot_that_may_not_be_shown_is_not_among_the_mistakes(make_project):
    project = make_project()
    data = read_report_data(project, project.config())
    gallery = make_gallery(project, project.config(), data, progress=silent)
    ids = [shot.photo.photo_id for shot in gallery.shots]
    assert [shot.photo.photo_id for shot in gallery.among([*reversed(ids), 10**6])] == ids[::-1]
    hidden = replace(gallery, shots=tuple(replace(shot, is_shown=False) for shot in gallery.shots))
    assert hidden.among(ids) == ()
