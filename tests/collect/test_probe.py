"""A few free searches tell how many photos there may be, and no image is asked for."""

import re

import pytest

from tests.servers.projects import PLACES, write_project


@pytest.fixture
def probed(machinami, tmp_path):
    """The sentences about the places."""

    def probed(server, kind, **sections):
        root = write_project(
            tmp_path / "p", kind, server.url, sampling={"per_place": 5}, **{"collect": {"attempts": 1}} | sections
        )
        ran = machinami("plan", root, "--probe", "--json", "-q")
        assert ran.code == 0, ran.err
        return [note for note in ran.json["notes"] if note.partition(":")[0] in PLACES]

    return probed


@pytest.mark.parametrize("kind", ["mapillary", "kartaview"])
def test_boxes_tell_how_many_there_are_about(kind, serve, probed):
    server = serve(kind)
    sentences = probed(server, kind)
    assert len(sentences) == 2
    about = [int(re.search(r"about ([\d,]+) photos", text)[1].replace(",", "")) for text in sentences]
    assert 100 < sum(about) < 2400, "there are 600"
    assert server.stats()["by_kind"] == {"search": server.stats()["requests"]}
    assert server.stats()["requests"] <= 10


def test_samples_tell_how_many_have_a_photo(serve, probed):
    server = serve("google")
    sentences = probed(server, "google")
    assert all(re.fullmatch(r"(east|west): \d+ of 20 trial samples have a photo", text) for text in sentences)
    assert server.stats()["by_kind"] == {"metadata": 40}


@pytest.mark.parametrize("kind", ["mapillary", "google"])
def test_searches_without_an_answer_are_not_taken_for_empty(kind, serve, probed):
    server = serve(kind)
    server.set_faults(server_error=1.0)
    count = 20 if kind == "google" else 5
    for text in probed(server, kind):
        assert text.endswith(f"none of {count} trial searches was answered")


def test_some_without_an_answer_are_counted(serve, probed):
    server = serve("google")
    server.set_faults(server_error=0.5)
    assert all("without an answer" in text for text in probed(server, "google"))


def test_the_same_project_is_probed_the_same_way(serve, probed):
    server = serve("mapillary")
    probed(server, "mapillary")
    first = sorted(row["target"] for row in server.log())
    server.reset()
    probed(server, "mapillary")
    assert sorted(row["target"] for row in server.log()) == first
