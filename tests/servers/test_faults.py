import http.client
import json
import threading
import time

import pytest

from tests.servers.faults import Faults
from tests.servers.mapillary import MapillaryServer

TOKEN = {"Authorization": "OAuth MLY|123|test"}


def entity(server, number=0):
    return f"{server.url}/{server.id_of(server.world.photos[number])}?fields=id"


@pytest.fixture
def start(world):
    opened = []

    def start(**faults):
        opened.append(MapillaryServer(world, faults=Faults(**faults)).__enter__())
        return opened[-1]

    yield start
    for server in opened:
        server.__exit__(None, None, None)


def test_shares_are_kept_and_do_not_depend_on_order(start, ask, world):
    def statuses(server, numbers):
        return {number: ask(entity(server, number), headers=TOKEN).status for number in numbers}

    server = start(server_error=0.2, seed=1)
    forwards, backwards = statuses(server, range(200)), statuses(start(server_error=0.2, seed=1), reversed(range(200)))
    assert forwards == backwards
    failed = [number for number, status in forwards.items() if status >= 500]
    assert 20 < len(failed) < 60
    assert server.stats()["faults"] == {"server_error": len(failed)}
    assert any(status == 200 for status in statuses(server, failed).values())  # another try, another lot


def test_a_truncated_body_is_shorter_than_it_says(start, ask):
    with pytest.raises(http.client.IncompleteRead):
        ask(entity(start(truncated=1)), headers=TOKEN)


def test_a_reset_connection_has_no_answer(start, ask):
    with pytest.raises(ConnectionResetError):
        ask(entity(start(reset=1)), headers=TOKEN)


def test_slow_answers_are_right_but_late(start, ask):
    began = time.monotonic()
    assert ask(entity(start(slow=1, delay_s=0.2)), headers=TOKEN).status == 200
    assert time.monotonic() - began >= 0.2


def test_a_web_page_comes_with_status_200(start, ask):
    got = ask(entity(start(html=1)), headers=TOKEN)
    assert (got.status, got.headers.get_content_type()) == (200, "text/html")


def test_a_blocked_caller_is_sent_to_the_login_page(start, ask):
    server = start(login=1)
    got = ask(entity(server), headers=TOKEN)
    assert (got.status, got.headers["Location"]) == (302, f"{server.url}/login")
    assert ask(got.headers["Location"]).headers.get_content_type() == "text/html"
    assert server.stats()["by_kind"] == {"entity": 1, "login": 1}  # that a client followed is seen


def test_a_block_begins_after_so_many_requests(start, ask):
    server = start(block_after=2)
    assert [ask(entity(server, number), headers=TOKEN).status for number in range(4)] == [200, 200, 302, 302]


def test_the_next_requests_are_too_many(start, ask):
    server = start(overload=2)
    assert [ask(entity(server), headers=TOKEN).status for _ in range(3)] == [429, 400, 200]


def test_any_status_can_be_had(start, ask):
    assert ask(entity(start(refuse=403)), headers=TOKEN).status == 403


def test_faults_can_be_meant_for_one_kind_of_request(start, ask):
    server = start(server_error=1, kinds=("search",))
    assert ask(entity(server), headers=TOKEN).status == 200
    assert ask(f"{server.url}/images?bbox=139.76,35.66,139.765,35.665", headers=TOKEN).status >= 500


def test_faults_change_while_the_server_runs(start, ask):
    server = start()

    def post(text):
        connection = http.client.HTTPConnection(server.url.removeprefix("http://"))
        connection.request("POST", "/_admin/faults", text)
        answer = connection.getresponse()
        got = answer.status, json.loads(answer.read())
        connection.close()
        return got

    assert post('{"login": 1.0, "kinds": ["entity"]}')[1]["login"] == 1.0
    assert ask(entity(server), headers=TOKEN).status == 302
    assert post('{"login": 0}')[0] == 200
    assert ask(entity(server), headers=TOKEN).status == 200
    assert post('{"logn": 0}') == (400, {"error": "no such fault: logn"})
    assert post('{"login": 2}')[0] == 400


def test_rows_come_twice(start, ask):
    server = start(duplicate=0.5)
    rows = ask(f"{server.url}/images?bbox=139.765,35.665,139.774,35.674", headers=TOKEN).json["data"]
    ids = [row["id"] for row in rows]
    assert 1.2 < len(ids) / len(set(ids)) < 1.8


def test_the_journal_has_every_request_and_the_highest_rate(start, ask):
    server = start()
    for number in range(5):
        ask(entity(server, number), headers=TOKEN)
    rows = ask(f"{server.url}/_admin/log", since=1, limit=2).json
    assert [row["target"] for row in rows] == [entity(server, n).removeprefix(server.url) for n in (1, 2)]
    assert {row["status"] for row in server.log()} == {200}
    stats = ask(f"{server.url}/_admin/stats").json
    assert (stats["requests"], stats["peak_per_s"]["entity"], stats["peak_in_flight"]) == (5, 5, 1)
    ask(f"{server.url}/_admin/reset", form={})
    assert server.stats()["requests"] == 0


def test_requests_at_the_same_time_are_counted(start, ask):
    server = start(slow=1, delay_s=0.3)
    threads = [threading.Thread(target=ask, args=(entity(server, n),), kwargs={"headers": TOKEN}) for n in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert server.stats()["peak_in_flight"] == 6


def test_the_log_file_has_a_line_a_request(world, ask, tmp_path):
    for _ in range(2):
        with MapillaryServer(world, log_file=tmp_path / "log") as server:
            ask(entity(server), headers=TOKEN)
    assert [json.loads(line)["kind"] for line in (tmp_path / "log").read_text().splitlines()] == ["entity"] * 2


def test_shares_above_one_are_refused():
    with pytest.raises(ValueError, match="add up to at most 1"):
        Faults(slow=0.6, html=0.6)


def test_a_connection_is_kept_and_ends_with_the_server(world):
    with MapillaryServer(world) as server:
        connection = http.client.HTTPConnection(server.url.removeprefix("http://"))
        for _ in range(3):
            connection.request("GET", "/_admin/stats")
            connection.getresponse().read()
        assert connection.sock is not None
        began = time.monotonic()
    assert time.monotonic() - began < 2
    connection.close()
