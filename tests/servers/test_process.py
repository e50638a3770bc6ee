import pytest

from tests.servers.process import spawn


@pytest.mark.parametrize(
    ("name", "options", "path"),
    [
        ("mapillary", ("--expiry-s", 2), "/images"),
        ("kartaview", ("--overload-radius-m", 300), "/2.0/photo/?id=1"),
        ("streetview", ("--secret", "bXlrZXk="), "/maps/api/streetview/metadata"),
    ],
)
def test_a_server_runs_as_a_process_of_its_own(name, options, path, ask):
    with spawn(name, "--photos", 50, "--faults", '{"slow": 0.5, "delay_s": 0.01}', *options) as url:
        ask(f"{url}{path}")
        assert ask(f"{url}/_admin/stats").json["requests"] == 1
        assert ask(f"{url}/_admin/faults").json["slow"] == 0.5
