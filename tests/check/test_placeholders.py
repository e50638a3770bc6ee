import pytest

from machinami.catalog import Photo
from machinami.check.placeholders import judge_flatness


@pytest.mark.parametrize(("share", "marked"), [(None, False), (0.0, False), (0.8999, False), (0.9, True), (1.0, True)])
def test_the_threshold(share, marked):
    mark = judge_flatness(Photo(source="s", source_id="1", grey_share=share), placeholder_share=0.9)
    assert (mark is not None) == marked
    if mark:
        assert mark.score == share
        assert mark.reason.startswith("placeholder: ")
