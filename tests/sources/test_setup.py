import pytest

from machinami.config import CollectConfig, SourceConfig
from machinami.errors import CredentialError
from machinami.sources.secret import Secret
from machinami.sources.setup import KEY_NAMES, Setup


def setup_with(script, **keys):
    return Setup(
        source=SourceConfig(),
        collect=CollectConfig(),
        transport=script,
        keys={name: Secret(value) for name, value in keys.items()},
    )


@pytest.mark.parametrize("name", KEY_NAMES)
@pytest.mark.parametrize(
    "value", ["LEAK a", "LEAK\nb", "LEAK\t", "LEAK\x00", "LEAK\x7f", "LEAK\u00e9", "LEAK\udc80", ""]
)
def test_a_malformed_key_is_refused_by_its_name_alone(script, name, value):
    setup = setup_with(script, **{name: value})
    for ask in (setup.optional_key, lambda name: setup.key(name, needed_for="x")):
        with pytest.raises(CredentialError, match=KEY_NAMES[name]) as caught:
            ask(name)
        assert "LEAK" not in str(caught.value)


def test_keys_as_providers_give_them_are_taken(script):
    setup = setup_with(script, mapillary_token="MLY|1|a_b-c=", google_key="AIza-x_1")
    assert setup.key("mapillary_token", needed_for="Mapillary").value == "MLY|1|a_b-c="
    assert setup.optional_key("google_key").value == "AIza-x_1"
    assert setup.optional_key("kartaview_token") is None
