import dataclasses
import string
import tomllib
from dataclasses import fields, is_dataclass, replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from machinami.config import AreaConfig, Config, PlaceConfig, SplitConfig, TrainConfig
from machinami.config_file import check_config, load_config, parse_config, render_config
from machinami.errors import ConfigError

SECTIONS = {f.name: getattr(Config(), f.name) for f in fields(Config) if is_dataclass(getattr(Config(), f.name))}
NUMBERS = [
    f"{name}.{f.name}"
    for name, section in SECTIONS.items()
    for f in fields(section)
    if type(getattr(section, f.name)) in (int, float)
]


def test_an_empty_file_is_the_defaults():
    assert parse_config("") == Config()


def test_values_of_every_kind_are_read():
    config = parse_config(
        """
        seed = 7
        [[places]]
        key = "町田"
        label = "町田市"
        area = { file = "areas/tokyo.geojson", where = { N03_007 = 13209 } }
        [split]
        block_m = 250
        strategy = "random"
        [train]
        flip = true
        trunk_rate = 1e-4
        """
    )
    area = AreaConfig(file="areas/tokyo.geojson", where={"N03_007": "13209"})
    assert config == Config(
        seed=7,
        places=(PlaceConfig(key="町田", label="町田市", area=area),),
        split=SplitConfig(block_m=250.0, strategy="random"),
        train=TrainConfig(flip=True, trunk_rate=1e-4),
    )
    assert type(config.split.block_m) is float


@pytest.mark.parametrize(
    ("text", "near"),
    [
        ("[train]\nbackbon = 'x'", "unknown key 'train.backbon'; did you mean 'backbone'?"),
        ("[trian]\n", "unknown key 'trian'; did you mean 'train'?"),
        ("[train]\nxyzzy = 1", "unknown key 'train.xyzzy'; known are backbone, "),
        ("[[places]]\nkey = 'a'\nlabl = 'b'", "unknown key 'places[0].labl'; did you mean 'label'?"),
        ("[split]\nstrategy = 'block'", "split.strategy = 'block'; did you mean 'blocks'?"),
        ("[[places]]\nlabel = 'a'", "'places[0].key' is missing"),
        ("places = 3", "'places' must be written as [[places]] tables"),
        ("train = 3", "[train] must be a table"),
        ("[train]\nepochs = '12'", "train.epochs = '12' must be a whole number"),
        ("[train]\nepochs = true", "train.epochs = True must be a whole number"),
        ("[train]\nepochs = 1.5", "must be a whole number"),
        ("[train]\nflip = 1", "must be true or false"),
        ("[split]\nblock_m = true", "must be a number"),
        ("[split]\nstrategy = ['blocks']", "split.strategy"),
        ("[[places]]\nkey = 'a'\narea = 'x.geojson'", "must be a table"),
        ("[[places]]\nkey = 'a'\narea = { file = 'x', where = 3 }", "must be a table of names and values"),
        ("[train\n", "is not valid TOML"),
        ("[[places]]\nkey = 'a'\n[[places]]\nkey = 'a'", "two places have the key 'a'"),
        ("[[places]]\nkey='a'\nlabel='X'\n[[places]]\nkey='b'\nlabel='X'", "'a' and 'b' are both called 'X'"),
        ("[[places]]\nkey='a'\nlabel='b'\n[[places]]\nkey='b'\nlabel='Y'", "'a' and 'b' are both called 'b'"),
        ("[[places]]\nkey = '../a'", "place key '../a'"),
        ("[[places]]\nkey = ''", "place key ''"),
        ("[[places]]\nkey = 'a'\narea = {}", "the area of place 'a' must name one of file, osm and query, not none"),
        ("[[places]]\nkey = 'a'\narea = { file = 'x', osm = 'R1' }", "not file and osm"),
        ("[[places]]\nkey = 'a'\narea = { osm = 'R1', query = 'x' }", "not osm and query"),
        ("[[places]]\nkey = 'a'\narea = { osm = 'R1', where = { a = 1 } }", "does not go with osm"),
        ("[[places]]\nkey = 'a'\narea = { osm = '1759477' }", "osm = '1759477' must be the id of a relation"),
        ("[[places]]\nkey = 'a'\narea = { osm = 'R1&x=1' }", "must be the id of a relation"),
        ("[areas]\nnominatim_url = 'http://nominatim.example'", "must begin with https://"),
        ("[areas]\nnominatim_url = 'ftp://127.0.0.1'", "must begin with https://"),
        ("[areas]\nnominatim_url = 'https://a.example/?key=1'", "nothing behind it"),
        ("[areas]\nnominatim_url = 'https://me:secret@a.example'", "nothing behind it"),
        ("[areas]\nnominatim_url = 'https://[::1'", "is no URL"),
        ("[areas]\nnominatim_url = 'nominatim.example'", "must begin with https://"),
        ("[sampling]\nmethod = 'street'", "sampling.method = 'street'; did you mean 'streets'?"),
        ("[sampling]\nspacing_m = 0", "sampling.spacing_m = 0.0 must be above 0"),
        ("[split]\nfolds = 2", "split.folds = 2"),
        ("[split]\nfold = 5", "split.fold = 5 must be one of 0 … 4"),
        ("[collect]\nviews = 17", "collect.views = 17 must lie in 1 … 16"),
        ("[train]\nimage_size = 16", "must lie in 32 … 2048"),
        ("[evaluate]\nlevel = 1.0", "must lie in 0.5 … 1"),
        ("seed = -1", "seed = -1 must not be negative"),
        ("seed = 1180591620717411303424", "seed = 1180591620717411303424"),
    ],
)
def test_what_cannot_be_is_refused_by_name(text, near):
    with pytest.raises(ConfigError) as caught:
        parse_config(text, name="tokyo.toml")
    assert near in str(caught.value)
    assert str(caught.value).startswith("tokyo.toml")


@pytest.mark.parametrize("dotted", [name for name in NUMBERS if name != "collect.pitch_deg"])  # which may look down
@pytest.mark.parametrize("value", ["-1", "-0.5", "nan", "inf", "-inf", "1" + "0" * 400])
def test_no_number_is_taken_that_cannot_be(dotted, value):
    section, key = dotted.split(".")
    with pytest.raises(ConfigError, match=dotted.replace(".", r"\.")):
        parse_config(f"[{section}]\n{key} = {value}")


@pytest.mark.parametrize("content", [b"seed = 1 # \xff", None])
def test_a_file_that_cannot_be_read_is_a_config_error(tmp_path, content):
    path = tmp_path / "machinami.toml"
    path.mkdir() if content is None else path.write_bytes(content)
    with pytest.raises(ConfigError, match=r"machinami\.toml"):
        load_config(path)


def test_a_new_file_lists_every_key_with_its_default_and_its_sentence():
    text = render_config((), {})
    assert parse_config(text) == Config()
    for name, section in SECTIONS.items():
        assert f"[{name}]" in text
        for f in fields(section):
            line = next(line for line in text.split(f"[{name}]")[1].splitlines() if line.startswith(f"# {f.name} ="))
            assert f.metadata["comment"] in line
    uncommented = "\n".join(line.removeprefix("# ") if " = " in line else line for line in text.splitlines())
    chosen = parse_config(uncommented)
    assert chosen.source.acknowledgement is not None  # the one key without a default: an example stands there
    assert replace(chosen, source=replace(chosen.source, acknowledgement=None)) == Config()


@given(
    key=st.from_regex(r"[a-z0-9][a-z0-9._-]{0,63}", fullmatch=True),
    label=st.text(st.characters(codec="utf-8")),
    file=st.text(st.characters(codec="utf-8"), min_size=1),
    where=st.dictionaries(st.text(string.printable, max_size=5), st.text(st.characters(codec="utf-8")), max_size=2),
    rate=st.floats(1e-300, 1e300),
    seed=st.integers(0, 2**31),
)
def test_what_was_asked_for_comes_back(key, label, file, where, rate, seed):
    place = PlaceConfig(key=key, label=label, area=AreaConfig(file=file, where=where))
    text = render_config((place,), {"train": {"head_rate": rate, "weights": label}}, seed=seed)
    expected = Config(seed=seed, places=(place,), train=TrainConfig(head_rate=rate, weights=label))
    assert parse_config(text) == expected


@pytest.mark.parametrize(
    "area", [AreaConfig(osm="R1759477"), AreaConfig(query='"Machida", Tokyo'), AreaConfig(file="x")]
)
def test_every_kind_of_area_comes_back(area):
    places = (PlaceConfig(key="a", area=area), PlaceConfig(key="b"))
    assert parse_config(render_config(places, {})).places == places


@pytest.mark.parametrize("url", ["https://a.example/nominatim", "http://127.0.0.1:8080", "http://[::1]:80/x"])
def test_servers_that_may_be_asked(url):
    assert parse_config(f"[areas]\nnominatim_url = '{url}'").areas.nominatim_url == url


@given(st.text(st.characters(codec="utf-8"), max_size=40))
def test_no_text_is_more_than_a_config_error(text):
    try:
        config = parse_config(text)
    except ConfigError:
        return
    check_config(config)


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=2) | st.dictionaries(st.sampled_from(["key", "file", "x"]), inner, max_size=2)
    ),
    max_leaves=4,
)


@given(
    st.sampled_from(["seed", "places", *SECTIONS, *NUMBERS, "train.weights", "split.strategy", "train.flip"]), VALUES
)
def test_no_value_is_more_than_a_config_error(dotted, value):
    section, _, key = dotted.partition(".")
    table = {section: {key: value} if key else value}

    def loads(_):
        return table

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(tomllib, "loads", loads)
        try:
            config = parse_config("")
        except ConfigError as error:
            assert section in str(error)
            return
    assert dataclasses.is_dataclass(config)


def test_a_list_of_words_is_read_and_a_wrong_word_named():
    assert parse_config('[evaluate]\nleave_out = ["month", "camera"]').evaluate.leave_out == ("month", "camera")
    with pytest.raises(ConfigError, match=r"evaluate\.leave_out\[0\] = 'camra'; did you mean 'camera'"):
        parse_config('[evaluate]\nleave_out = ["camra"]')
    with pytest.raises(ConfigError, match="must be written as a list"):
        parse_config('[evaluate]\nleave_out = "camera"')
