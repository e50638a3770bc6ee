import io
import json
from contextlib import ExitStack
from typing import NamedTuple

import numpy as np
import pytest
from PIL import Image

from machinami.cli.main import run
from machinami.project import Project
from tests.servers.kartaview import KartaViewServer
from tests.servers.mapillary import MapillaryServer
from tests.servers.streetview import StreetViewServer
from tests.servers.world import World


@pytest.fixture
def picture():
    """Makes pictures of noise, another one for each seed."""

    def make(seed=0, size=(160, 120), mode="RGB"):
        rng = np.random.default_rng(seed)
        pixels = rng.integers(0, 256, (size[1], size[0], 3), np.uint8)
        return Image.fromarray(pixels).convert(mode)

    return make


@pytest.fixture
def encoded(picture):
    """The bytes of such a picture in some format."""

    def make(seed=0, kind="JPEG", size=(160, 120), mode="RGB", **options):
        buffer = io.BytesIO()
        picture(seed, size, mode).save(buffer, kind, **options)
        return buffer.getvalue()

    return make


@pytest.fixture
def photos(tmp_path, encoded):
    """A folder of folders: two places with two good photos each."""
    root = tmp_path / "photos"
    for number, name in enumerate(["here/good 1.jpg", "here/good 2.jpg", "there/good 3.jpg", "there/good 4.jpg"]):
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(encoded(seed=1000 + number))
    return root


@pytest.fixture
def rows():
    """The rows of a project's catalogue by source_id."""

    def read(project):
        with project.catalog() as catalog:
            return {photo.source_id: photo for photo in catalog.photos()}

    return read


KEYS = {
    "google": {"GOOGLE_MAPS_API_KEY": "AIzaTestKey", "GOOGLE_MAPS_SIGNING_SECRET": "bXlrZXk="},
    "mapillary": {"MAPILLARY_ACCESS_TOKEN": "MLY|123|test"},
    "kartaview": {},
}


class Ran(NamedTuple):
    code: int
    out: str
    err: str

    @property
    def json(self):
        return json.loads(self.out)


@pytest.fixture(scope="session")
def world():
    return World(photos=600, seed=3)


@pytest.fixture
def soon(monkeypatch):
    """Repeats follow one another at once."""
    monkeypatch.setattr("machinami.sources.manners._FIRST_WAIT_S", 0.005)
    monkeypatch.setattr("machinami.sources.manners._LONGEST_WAIT_S", 0.02)
    monkeypatch.setattr("machinami.sources.google_metadata._LIMIT_REST_S", 0.01)


@pytest.fixture
def few_spots(monkeypatch):
    """Fewer samples are asked for at a time, and a place is used up sooner."""
    monkeypatch.setattr("machinami.collect.stage._SPOTS_AT_ONCE", 60)
    monkeypatch.setattr("machinami.collect.stage._IDLE_SPOTS", 200)


@pytest.fixture
def machinami(monkeypatch, capsys, soon, few_spots):
    """The command line in this process, with the keys that the local servers want."""
    for keys in KEYS.values():
        for name, value in keys.items():
            monkeypatch.setenv(name, value)

    def machinami(*arguments):
        capsys.readouterr()
        code = run([str(argument) for argument in arguments])
        return Ran(code, *capsys.readouterr())

    return machinami


@pytest.fixture
def collect(machinami):
    """`machinami collect DIR --yes --json -q`, which must end with `code`."""

    def collect(root, *options, code=0):
        ran = machinami("collect", root, "--yes", "--json", "-q", *options)
        assert ran.code == code, ran.err
        return ran

    return collect


@pytest.fixture
def serve(world):
    """Starts a provider on this machine, by the name of its source; without lies unless they are asked for."""
    servers = {"google": StreetViewServer, "mapillary": MapillaryServer, "kartaview": KartaViewServer}
    honest = {
        "google": {"third_party": 0, "gone": 0, "cards": 0, "loose": 0, "far": 0, "secret": "bXlrZXk="},
        "mapillary": {"gone": 0},
        "kartaview": {"old_storage": 0},
    }
    with ExitStack() as stack:

        def serve(kind, world=world, **options):
            options = {"picture_size": (512, 384), **honest[kind], **options}
            return stack.enter_context(servers[kind](world, **options))

        yield serve


@pytest.fixture
def found():
    """The rows of a project's catalogue, in their order."""

    def found(root, **conditions):
        with Project.open(root).catalog() as catalog:
            return list(catalog.photos(**conditions))

    return found
