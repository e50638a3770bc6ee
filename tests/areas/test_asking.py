import itertools
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from machinami.areas import freeze_areas, project_areas
from machinami.areas.asking import Gazetteer, wait_for_turn
from machinami.areas.http import fetch_http
from machinami.areas.nominatim import Reply
from machinami.config import AreaConfig
from machinami.errors import AmbiguousArea, InputError, ProjectError
from machinami.project import Project

SQUARE = '{"type": "Polygon", "coordinates": [[[139, 35], [139.1, 35], [139.1, 35.1], [139, 35.1], [139, 35]]]}'


def body(*relations):
    features = ", ".join(
        f'{{"type": "Feature", "properties": {{"osm_type": "relation", "osm_id": {osm_id}, "display_name": "Place '
        f'{osm_id}"}}, "geometry": {SQUARE}}}'
        for osm_id in relations
    )
    return f'{{"type": "FeatureCollection", "features": [{features}]}}'.encode()


GOOD, AMBIGUOUS, NONE = Reply(200, {}, body(5)), Reply(200, {}, body(5, 6)), Reply(200, {}, body())
HTML = Reply(200, {"content-type": "text/html"}, b"<html>captive portal</html>")
BUSY = Reply(429, {}, b"Bandwidth limit exceeded")
OSM = AreaConfig(osm="R5")


class FakeTime:
    """A clock that only sleeping moves."""

    def __init__(self):
        self.now = 1_000_000_000.0
        self.slept = []

    def clock(self):
        return self.now

    def sleep(self, seconds):
        self.slept.append(seconds)
        self.now += seconds


class Script:
    """A transport that replies one after the other, and remembers who asked, and when."""

    def __init__(self, time, *replies):
        self.time, self.replies, self.asked = time, list(replies), []

    def __call__(self, url, headers, /):
        self.asked.append((self.time.now, url, dict(headers)))
        reply = self.replies.pop(0)
        if isinstance(reply, Exception):
            raise reply
        return reply


@pytest.fixture
def time():
    return FakeTime()


@pytest.fixture
def ask(time, tmp_path):
    """A gazetteer whose transport replies as scripted."""

    def make(*replies):
        script = Script(time, *replies)
        gazetteer = Gazetteer(
            fetch=script,
            base_url="https://nominatim.example",
            cache=tmp_path / "cache",
            pace=tmp_path / "pace",
            clock=time.clock,
            sleep=time.sleep,
        )
        return gazetteer, script

    return make


def test_an_answer_is_kept_and_not_asked_for_again(ask):
    gazetteer, script = ask(GOOD)
    first, again = gazetteer.relations(OSM), gazetteer.relations(OSM)
    assert [relation.osm for relation in first] == [relation.osm for relation in again] == ["R5"]
    (_, url, headers), *rest = script.asked
    assert rest == []
    assert url == "https://nominatim.example/lookup?osm_ids=R5&format=geojson&polygon_geojson=1"
    assert headers["User-Agent"].startswith("Machinami/")


def test_requests_are_a_second_apart_whoever_asks(ask):
    first, script = ask(GOOD, GOOD)
    first.relations(AreaConfig(osm="R1"))
    first.relations(AreaConfig(osm="R2"))
    second, later = ask(GOOD)  # another process
    second.relations(AreaConfig(osm="R3"))
    times = [at for at, _, _ in [*script.asked, *later.asked]]
    assert [round(b - a, 6) for a, b in itertools.pairwise(times)] == [1.0, 1.0]


def test_a_clock_that_was_set_back_costs_a_second_at_most(time, tmp_path):
    wait_for_turn(tmp_path, clock=time.clock, sleep=time.sleep)
    time.now -= 10_000
    wait_for_turn(tmp_path, clock=time.clock, sleep=time.sleep)
    assert time.slept == [1.0]


def test_a_damaged_note_of_the_last_request_stops_nothing(time, tmp_path):
    (tmp_path / "last-request").write_text("soon")
    wait_for_turn(tmp_path, clock=time.clock, sleep=time.sleep)
    assert time.slept == []
    assert float((tmp_path / "last-request").read_text()) == time.now


def test_where_no_time_can_be_noted_every_request_waits(time, tmp_path):
    (tmp_path / "file").write_text("")
    wait_for_turn(tmp_path / "file/pace", clock=time.clock, sleep=time.sleep)
    assert time.slept == [1.0]


def test_a_cache_that_cannot_be_written_is_told(ask, tmp_path):
    (tmp_path / "cache").write_text("in the way")
    gazetteer, _ = ask(GOOD)
    with pytest.raises(ProjectError, match="cache: cannot be written"):
        gazetteer.relations(OSM)


@pytest.mark.parametrize("status", [429, 503, 504])
@pytest.mark.parametrize(
    ("headers", "waited"),
    [
        ({}, 2),
        ({"retry-after": "7"}, 7),
        ({"retry-after": "Sun, 09 Sep 2001 01:46:50 GMT"}, 10),
        ({"retry-after": "Sun, 09 Sep 2001 01:46:50 -0000"}, 10),
        ({"retry-after": "later"}, 2),
    ],
)
def test_a_busy_server_is_asked_again_when_it_says(status, headers, waited, ask):
    gazetteer, script = ask(Reply(status, headers, b""), GOOD)
    assert len(gazetteer.relations(OSM)) == 1
    (first, *_), (second, *_) = script.asked
    assert second - first == waited


@pytest.mark.parametrize("reply", [BUSY, TimeoutError("silent for 30 s"), ConnectionError("refused")])
def test_a_server_that_stays_busy_is_left_alone(reply, ask, time):
    gazetteer, script = ask(*[reply] * 10)
    with pytest.raises(InputError, match=r"nominatim\.example.*4 times; try again later, or save the polygon"):
        gazetteer.relations(OSM)
    assert len(script.asked) == 4
    assert sum(time.slept) <= 2 + 4 + 8 + 4


@pytest.mark.parametrize(
    ("reply", "message"),
    [
        (HTML, "is no JSON, it begins '<html>captive portal</html>'"),
        (Reply(200, {}, b'{"error": "x"}'), "no GeoJSON"),
        (Reply(403, {}, b"Access blocked"), r"answers 403 \(Access blocked\)"),
        (Reply(302, {"location": "https://elsewhere"}, b""), "redirect to 'https://elsewhere', which is not followed"),
        (Reply(404, {}, b""), "answers 404"),
        (Reply(429, {"retry-after": "3600"}, b""), "asks to come back in 3600 s"),
    ],
)
def test_a_bad_answer_is_told_and_never_kept(reply, message, ask, tmp_path):
    gazetteer, script = ask(reply, GOOD)
    with pytest.raises(InputError, match=message):
        gazetteer.relations(OSM)
    assert len(script.asked) == 1
    assert list((tmp_path / "cache").glob("*")) == []
    assert len(gazetteer.relations(OSM)) == 1


def test_nothing_found_is_not_kept_either(ask):
    gazetteer, script = ask(NONE, GOOD)
    assert gazetteer.relations(OSM) == []
    assert len(gazetteer.relations(OSM)) == 1
    assert len(script.asked) == 2


@pytest.mark.parametrize("content", [b"", b"{", b'{"answer": 5}', b"[]", b"\xff"])
def test_a_damaged_cache_is_asked_anew(content, ask, tmp_path):
    gazetteer, script = ask(GOOD, GOOD)
    gazetteer.relations(OSM)
    (kept,) = (tmp_path / "cache").glob("*.json")
    kept.write_bytes(content)
    assert [relation.osm for relation in gazetteer.relations(OSM)] == ["R5"]
    assert len(script.asked) == 2


# --- over a real connection ------------------------------------------------------------------------------------


@contextmanager
def serving(*replies):
    """A server on loopback that replies one after the other; the paths asked for are collected."""
    asked = []
    waiting = list(replies)

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            asked.append((self.path, self.headers["User-Agent"]))
            reply = waiting.pop(0)
            self.send_response(reply.status)
            for name, value in {"Content-Length": str(len(reply.body)), **reply.headers}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(reply.body)

        def log_message(self, *_):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", asked
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def project_in(folder, url, area):
    (folder / "machinami.toml").write_text(
        f'[[places]]\nkey = "a"\narea = {{ {area} }}\n[areas]\nnominatim_url = "{url}"\n'
    )
    return Project.open(folder)


def settle(project):
    with project.catalog() as catalog:
        settled = project_areas(project, project.config(), catalog)
        freeze_areas(catalog, settled.areas)
        return settled


def test_a_project_asks_once_and_freezes_what_it_was_told(tmp_path):
    with serving(Reply(429, {"Retry-After": "0"}, b""), GOOD) as (url, asked):
        project = project_in(tmp_path, url, 'osm = "R5"')
        first = settle(project).areas["a"]
    assert [path.split("?")[0] for path, _ in asked] == ["/lookup", "/lookup"]
    assert all(agent.startswith("Machinami/") for _, agent in asked)
    for file in (project.cache / "nominatim").glob("*.json"):
        file.unlink()
    again = settle(project).areas["a"]  # the server is gone
    assert again.shape.equals(first.shape)
    assert "© OpenStreetMap contributors, ODbL" in again.source


def test_a_name_over_the_network(tmp_path):
    with serving(AMBIGUOUS, GOOD) as (url, asked):
        with pytest.raises(AmbiguousArea, match=r"R6  Place 6 \(relation\)"):
            settle(project_in(tmp_path, url, 'query = "Place"'))
        assert settle(project_in(tmp_path, url, 'query = "Place 5"')).areas["a"].code == "query=Place 5"
    assert asked[0][0].startswith("/search?q=Place&")


def test_html_over_the_network(tmp_path):
    with serving(HTML) as (url, _), pytest.raises(InputError, match="no JSON"):
        settle(project_in(tmp_path, url, 'osm = "R5"'))


def test_redirects_are_not_followed():
    with serving(Reply(302, {"Location": "/other"}, b""), GOOD) as (url, asked):
        assert fetch_http(url, {}).status == 302
    assert len(asked) == 1


def test_an_answer_that_is_cut_short_is_no_answer():
    with serving(Reply(200, {"Content-Length": "5000"}, b"{")) as (url, _), pytest.raises(OSError):
        fetch_http(url, {})


def test_nobody_there():
    with serving() as (url, _):
        pass
    with pytest.raises(OSError):
        fetch_http(url, {})


def test_an_answer_that_is_too_large(monkeypatch):
    monkeypatch.setattr("machinami.areas.http._MAX_BYTES", 10)
    with serving(GOOD) as (url, _), pytest.raises(OSError, match="larger"):
        fetch_http(url, {})


def test_an_answer_that_is_too_slow(monkeypatch):
    monkeypatch.setattr("machinami.areas.http._DEADLINE_S", -1.0)
    with serving(GOOD) as (url, _), pytest.raises(TimeoutError, match="not whole"):
        fetch_http(url, {})
