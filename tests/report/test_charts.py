"""Where the marks stand."""

import math
import re
from dataclasses import replace

import pytest

from machinami.report.charts import _LogAxis, accuracy_chart, accuracy_title, lift_chart
from machinami.report.data import read_report_data
from machinami.report.facts import Figure, Lift
from machinami.report.guessing import beats_guessing, spread_of_guesses, spread_of_mean
from machinami.report.sentences import headline


def lift(value, low, high):
    shares = {"share": 0.1, "area_share": 0.1, "against": 0.1, "distinguishable": None}
    return Lift(region="road", photos=20, lift=value, low=low, high=high, **shares)


def test_log_axis_is_even_and_bounded():
    axis = _LogAxis.around([lift(3.0, 1.2, 3.9), lift(0.3, 0.0001, 0.9)])
    assert (axis.low, axis.high) == (-3, 2)
    assert axis.at(1) == pytest.approx(60)
    assert axis.at(2) - axis.at(1) == pytest.approx(axis.at(1) - axis.at(0.5))
    assert axis.at(0) == axis.at(1e-9) == 0
    assert axis.at(1000) == 100


def test_guessing_band_holds_95_of_100_guessers():
    import numpy as np

    rng = np.random.default_rng(0)
    guesses = rng.binomial(60, 0.5, 20_000) / 60
    within = np.abs(guesses - 0.5) <= spread_of_guesses(0.5, 60) + 1e-9
    assert within.mean() == pytest.approx(0.95, abs=0.03)
    balanced = (rng.binomial(60, 0.5, 20_000) / 60 + rng.binomial(20, 0.5, 20_000) / 20) / 2
    within = np.abs(balanced - 0.5) <= spread_of_mean(0.5, [60, 20]) + 1e-9
    assert within.mean() == pytest.approx(0.95, abs=0.02)


def test_accuracy_marks_stand_at_their_value(make_project):
    project = make_project()
    chart = accuracy_chart(read_report_data(project, project.config()))
    assert len(chart.rows) == 4
    assert 'cx="92.3%"' in chart.rows[0].plot
    assert [name("en") for name in chart.not_above] == ["町田市", "中央区"]  # 0.75 of four photos may be guessed
    assert accuracy_title(chart, "en") == "Not clearly above what guessing gives: 町田市 and 中央区"


def test_lift_rows_share_one_order(make_project):
    project = make_project()
    chart = lift_chart(read_report_data(project, project.config()))
    (_, first), (_, second) = chart.panels
    assert [row.label("en") for row in first] == [row.label("en") for row in second] == ["vegetation", "road"]
    assert second[1].value("en") == "too few photos (12)"
    at = float(re.search(r'cx="([\d.]+)%"', str(first[0].plot)).group(1))
    assert at == pytest.approx(100 * (math.log2(3.14) + 2) / 4, abs=0.1)  # axis from ¼ to 4


def test_place_without_any_lift_has_no_rows(make_project):
    project = make_project()
    data = read_report_data(project, project.config())
    few = tuple(lift(None, None, None) for _ in data.attention.regions)
    places = {**data.attention.places, "chuo": few}
    chart = lift_chart(replace(data, attention=replace(data.attention, places=places)))
    assert [len(rows) for _, rows in chart.panels] == [2, 0]


@pytest.mark.parametrize(
    ("figure", "beats"),
    [
        (Figure(0.88, 0.62, 1.0), True),  # clear of chance, though not of what guesses on so few photos spread over
        (Figure(0.88, 0.49, 1.0), False),
        (Figure(0.88), True),
        (Figure(0.6), False),
        (Figure(None), False),
    ],
)
def test_one_rule_says_whether_a_figure_beats_guessing(make_project, figure, beats):
    assert beats_guessing(figure, 0.5, 0.15) == beats
    project = make_project()
    data = read_report_data(project, project.config())
    places = tuple(replace(place, photos=80) for place in data.places)
    data = replace(data, places=places, scores=replace(data.scores, places=places, balanced_accuracy=figure))
    in_chart = "Balanced accuracy" not in [name("en") for name in accuracy_chart(data).not_above]
    if figure.value is not None:
        in_headline = "cannot be told apart" not in headline(data, "en")
        assert in_chart == in_headline == beats_guessing(figure, 0.5, spread_of_mean(0.5, [80, 80]))


def test_over_two_blocks_no_lift_is_a_finding(make_project):
    project = make_project(lift_blocks=2)
    data = read_report_data(project, project.config())
    lifts = data.attention.places["machida"]
    assert not [lift for lift in lifts if lift.above or lift.below]
    assert "hollow" in lift_chart(data).panels[0][1][0].plot
    assert data.attention.blocks_of("machida") == (2, 2)
    project = make_project("more", lift_blocks=3)
    assert any(lift.above for lift in read_report_data(project, project.config()).attention.places["machida"])
