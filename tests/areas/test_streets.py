import json
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs

import numpy as np
import pytest
import shapely

from machinami.areas import Area, project_streets, streets_from_file, streets_in
from machinami.errors import InputError, MissingExtra
from machinami.project import Project

SQUARE = Area(place="a", source="made", code=None, shape=shapely.box(139.0, 35.0, 139.01, 35.01))
A, B, C = (139.002, 35.002), (139.008, 35.002), (139.008, 35.008)


def write(path, *lines, **columns):
    features = [
        {
            "type": "Feature",
            "properties": {name: values[n] for name, values in columns.items()},
            "geometry": shapely.geometry.mapping(line),
        }
        for n, line in enumerate(lines)
    ]
    path.write_text(json.dumps({"type": "FeatureCollection", "features": features}))
    return path


def test_each_piece_of_street_once(tmp_path):
    lines = [shapely.LineString(ends) for ends in ([A, B], [B, A], [B, C], [A, B])]
    streets = streets_from_file(write(tmp_path / "s.geojson", *lines))
    assert len(streets) == 2
    assert [street.edge.count("-") for street in streets] == [1, 1]
    np.testing.assert_allclose(streets[0].lat_lon, [A[::-1], B[::-1]])


def test_an_edge_is_an_unordered_pair_of_nodes(tmp_path):
    lines = [shapely.LineString(ends) for ends in ([A, B], [B, A], [C, B])]
    streets = streets_from_file(write(tmp_path / "s.geojson", *lines, u=[7, 30, 4], v=[30, 7, 30]))
    assert [street.edge for street in streets] == ["30-4", "30-7"]


def test_two_streets_between_the_same_nodes_are_two(tmp_path):
    straight, round_about = shapely.LineString([A, B]), shapely.LineString([A, C, B])
    streets = streets_from_file(write(tmp_path / "s.geojson", round_about, straight, u=[1, 2], v=[2, 1]))
    assert [street.edge for street in streets] == ["1-2", "1-2 2"]
    assert sorted(len(street.lat_lon) for street in streets) == [2, 3]


def test_streets_in_many_parts_and_other_formats(tmp_path, write_layer):
    both = shapely.MultiLineString([[A, B], [B, C]])
    path = write_layer(tmp_path / "s.gpkg", [both], {"name": np.array(["x"], dtype=object)}, kind="MultiLineString")
    assert len(streets_from_file(path)) == 2
    bare = tmp_path / "bare.geojson"
    bare.write_text(json.dumps(shapely.geometry.mapping(both)))
    assert len(streets_from_file(bare)) == 2


@pytest.mark.parametrize(
    ("shape", "message"),
    [(SQUARE.shape, "a LineString is needed"), (shapely.LineString([A, A]), "no street that has a length")],
)
def test_what_is_no_street(shape, message, tmp_path):
    with pytest.raises(InputError, match=message):
        streets_from_file(write(tmp_path / "s.geojson", shape))


def test_the_file_of_the_config_comes_first(tmp_path):
    write(tmp_path / "s.geojson", shapely.LineString([A, B]))
    (tmp_path / "machinami.toml").write_text('[sampling]\nstreets = "s.geojson"\n')
    project = Project.open(tmp_path)
    assert len(project_streets(project, project.config(), SQUARE)) == 1


def test_without_osmnx_the_extra_is_named(tmp_path, monkeypatch):
    monkeypatch.setattr("machinami.areas.streets.find_spec", lambda _: None)
    with pytest.raises(MissingExtra, match=r"machinami\[osm\]"):
        streets_in(SQUARE, cache=tmp_path)


NODES = [{"type": "node", "id": n, "lat": lat, "lon": lon} for n, (lon, lat) in enumerate([A, B, C], start=1)]
WAYS = [{"type": "way", "id": 10, "nodes": [1, 2, 3], "tags": {"highway": "residential"}}]


@pytest.fixture
def overpass():
    """Serves what it is told to, as Overpass does; `asked` holds the queries."""
    servers = []

    def serve(status, answer):
        asked = []

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self):
                query = parse_qs(self.rfile.read(int(self.headers["Content-Length"])).decode())["data"][0]
                asked.append((query, self.headers["User-Agent"]))
                content = json.dumps(answer).encode()
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

            def log_message(self, *_):
                pass

        server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        servers.append((server, thread))
        return f"http://127.0.0.1:{server.server_port}/api", asked

    yield serve
    for server, thread in servers:
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.mark.slow
def test_streets_of_openstreetmap(overpass, tmp_path):
    pytest.importorskip("osmnx", reason="the extra [osm] is not installed")
    url, asked = overpass(200, {"elements": [*NODES, *WAYS]})
    streets = streets_in(SQUARE, cache=tmp_path / "cache", overpass_url=url)
    assert [street.edge for street in streets] == ["1-3"]  # node 2 is a bend, no crossing
    np.testing.assert_allclose(streets[0].lat_lon, [A[::-1], B[::-1], C[::-1]])
    assert len(asked) == 1
    assert asked[0][1].startswith("Machinami/")
    again = streets_in(SQUARE, cache=tmp_path / "cache", overpass_url=url)
    assert len(asked) == 1  # from the cache
    np.testing.assert_array_equal(again[0].lat_lon, streets[0].lat_lon)


@pytest.mark.slow
def test_a_busy_overpass_is_not_waited_for_without_end(overpass, tmp_path):
    pytest.importorskip("osmnx", reason="the extra [osm] is not installed")
    url, asked = overpass(429, {})
    began = time.monotonic()
    with pytest.raises(InputError, match="did not answer within 30 s; try again later, or save the streets as a file"):
        streets_in(SQUARE, cache=tmp_path, deadline_s=30, overpass_url=url)
    assert time.monotonic() - began < 40
    assert len(asked) == 1  # OSMnx would ask every 55 s


@pytest.mark.slow
@pytest.mark.parametrize(("status", "answer"), [(200, {"elements": []}), (400, {"remark": "bad query"})])
def test_no_streets_are_an_error(status, answer, overpass, tmp_path):
    pytest.importorskip("osmnx", reason="the extra [osm] is not installed")
    url, _ = overpass(status, answer)
    with pytest.raises(InputError, match="the streets of 'a' cannot be had from OpenStreetMap: "):
        streets_in(SQUARE, cache=tmp_path, overpass_url=url)
