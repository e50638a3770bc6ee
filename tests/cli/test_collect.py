import pytest

from machinami.cli.main import run
from tests.servers.projects import write_project


@pytest.mark.parametrize("command", [["plan"], ["collect", "--yes"]])
@pytest.mark.parametrize("amount", ["nan", "inf", "1e999"])
def test_a_ceiling_that_is_no_number_is_refused(tmp_path, capsys, command, amount):
    root = write_project(tmp_path / "p", "google", "http://127.0.0.1:9")
    assert run([*command, str(root), "--max-cost", amount]) == 3
    err = capsys.readouterr().err
    assert "--max-cost" in err
    assert "must be a finite number" in err
