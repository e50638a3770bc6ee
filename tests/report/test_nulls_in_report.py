import json

import pytest

from machinami.report import build_report
from machinami.report.data import read_attention


def with_baselines(project, **baselines):
    file = project.explanations / "attention.json"
    facts = json.loads(file.read_text())
    place = next(iter(facts["places"]))
    facts["baselines"] = {
        name: {place: {"road": {"lift": (low + high) / 2, "low": low, "high": high}}}
        for name, (low, high) in baselines.items()
    }
    file.write_text(json.dumps(facts))
    return place


def test_the_grey_band_is_of_the_nulls_that_judge(make_project):
    project = make_project()
    place = with_baselines(
        project, position=(0.9, 1.2), permuted=(0.8, 1.1), random_head=(0.1, 9), random_weights=(0, 8)
    )
    assert read_attention(project).null == {place: {"road": (0.8, 1.2)}}


@pytest.mark.parametrize(("effect", "expected"), [(1.5, "<td>1.50 – 1.70</td>"), (0.0, "<td>0.00 – 0.20 ≠</td>")])
def test_the_table_tells_what_is_lost_and_where_that_disagrees(make_project, effect, expected):
    project = make_project(distinguishable=True, effect=effect)
    build_report(project, project.config())
    assert expected in project.report_file.read_text(encoding="utf-8")


def test_without_effects_there_is_no_column(make_project):
    project = make_project()
    build_report(project, project.config())
    assert "Lost when blanked out" not in project.report_file.read_text(encoding="utf-8")
