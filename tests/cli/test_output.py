import pytest

from machinami.cli.output import share


@pytest.mark.parametrize(
    ("figure", "says"),
    [
        ({"value": 0.957, "low": 0.93, "high": 0.981}, "96 % (93–98)"),
        ({"value": 0.771, "low": None, "high": None}, "77 %, too few blocks for an interval"),
        ({"value": None, "low": None, "high": None}, "–"),
        (None, "–"),
    ],
)
def test_a_share_is_told_with_its_interval_or_why_it_has_none(figure, says):
    assert share(figure) == says
