import pytest

from machinami.errors import ConfigError
from machinami.sources.town import TownSettings


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"towns": ("a", "z")}, "'z'"),
        ({"towns": ("a", "a")}, "different"),
        ({"towns": ()}, "one or more"),
        ({"photos_per_town": 0}, "at least 1"),
        ({"size_px": 16}, "at least 32"),
        ({"difficulty": 1.5}, "0 … 1"),
        ({"difficulty": float("nan")}, "0 … 1"),
        ({"decoy": "sticker"}, "watermark"),
    ],
)
def test_settings_that_cannot_be_are_refused(wrong, message):
    with pytest.raises(ConfigError, match=message):
        TownSettings(**wrong)
