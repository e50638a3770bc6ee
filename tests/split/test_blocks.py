import itertools

from hypothesis import given
from hypothesis import strategies as st

from machinami.split.blocks import name_runs


def runs_of(names, sequences=None, run_photos=15, run_gap=20):
    labels = name_runs(names, sequences or [None] * len(names), run_photos=run_photos, run_gap=run_gap)
    groups = {}
    for name, label in zip(names, labels, strict=True):
        groups.setdefault(label, []).append(name)
    return sorted(groups.values())


def test_names_are_cut_into_runs_of_neighbouring_numbers():
    names = [f"photos/boston/street__p{1010000 + i}.jpg" for i in (1, 2, 3, 50, 51)]
    assert runs_of(names) == [names[:3], names[3:]]
    assert runs_of(names, run_gap=60) == [names]


def test_numbers_are_sorted_as_numbers_and_runs_are_about_even():
    names = [f"a/img{i}.jpg" for i in range(1, 17)]
    assert sorted(map(len, runs_of(names))) == [8, 8]
    assert ["a/img1.jpg", "a/img2.jpg", "a/img3.jpg", "a/img4.jpg"] in runs_of(names, run_photos=4)


def test_folders_and_prefixes_are_series_of_their_own():
    names = ["a/x1.jpg", "b/x1.jpg", "a/y1.jpg", "a/X2.JPG"]
    assert runs_of(names) == [["a/x1.jpg", "a/X2.JPG"], ["a/y1.jpg"], ["b/x1.jpg"]]


def test_a_known_sequence_comes_before_the_name():
    names = ["a/x1.jpg", "b/y2.jpg", "a/x3.jpg"]
    assert runs_of(names, ["s", "s", None]) == [["a/x1.jpg", "b/y2.jpg"], ["a/x3.jpg"]]


def test_names_without_numbers_are_neighbours_by_the_alphabet():
    names = ["a/church.jpg", "a/bridge.jpg", "a/square.jpg", "a/tower.jpg"]
    assert runs_of(names, run_photos=2) == [["a/church.jpg", "a/bridge.jpg"], ["a/square.jpg", "a/tower.jpg"]]


def test_clock_times_are_not_a_counter():
    names = [f"a/20230704_14{minute:02d}30.jpg" for minute in range(12)]
    assert runs_of(names) == [names]


@given(
    st.lists(st.tuples(st.sampled_from("abc"), st.integers(0, 300)), min_size=1, max_size=120),
    st.integers(1, 20),
    st.integers(0, 30),
)
def test_runs_are_short_and_without_leaps(keys, run_photos, run_gap):
    names = [f"{folder}/n{number}.{row}" for row, (folder, number) in enumerate(keys)]
    for run in runs_of(names, run_photos=run_photos, run_gap=run_gap):
        assert len(run) <= run_photos
        numbers = sorted(int(name.split("n")[1].split(".")[0]) for name in run)
        assert all(b - a <= run_gap for a, b in itertools.pairwise(numbers))
        assert len({name[0] for name in run}) == 1
