import pytest

from machinami.config import Config
from machinami.evaluate.ledger import count_openings
from machinami.project import Project


@pytest.fixture
def project(tmp_path):
    (tmp_path / "machinami.toml").write_text("")
    return Project.open(tmp_path)


def run(project, stage="evaluate", **notes):
    with project.stage(stage, inputs="", config=Config()) as line:
        line.notes |= notes


def test_every_model_opens_the_test_once(project):
    assert count_openings(project, split_digest="s", model_digest="m1") == 1
    run(project, split_digest="s", model_digest="m1")
    assert count_openings(project, split_digest="s", model_digest="m1") == 1
    assert count_openings(project, split_digest="s", model_digest="m2") == 2
    run(project, split_digest="s", model_digest="m2")
    run(project, split_digest="s", model_digest="m1")
    assert count_openings(project, split_digest="s", model_digest="m2") == 2
    assert count_openings(project, split_digest="s", model_digest="m3") == 3


def test_another_split_starts_a_new_count(project):
    run(project, split_digest="s", model_digest="m1")
    assert count_openings(project, split_digest="other", model_digest="m2") == 1


def test_a_run_that_broke_off_had_opened_the_test(project):
    def break_off():
        with project.stage("evaluate", inputs="", config=Config()) as line:
            line.notes |= {"split_digest": "s", "model_digest": "m1"}
            raise RuntimeError

    with pytest.raises(RuntimeError):
        break_off()
    assert count_openings(project, split_digest="s", model_digest="m2") == 2


def test_other_photos_and_other_stages_open_nothing(project):
    run(project, photos="elsewhere")
    run(project, stage="train", split_digest="s", model_digest="m9")
    assert count_openings(project, split_digest="s", model_digest="m1") == 1


def test_deleting_the_cache_does_not_close_it_again(project):
    run(project, split_digest="s", model_digest="m1")
    for file in project.cache.iterdir():
        file.unlink()
    assert count_openings(project, split_digest="s", model_digest="m2") == 2
