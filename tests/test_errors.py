import inspect
import re

import pytest

from machinami import errors
from machinami.errors import MachinamiError, MissingExtra, NotReady, SomePhotosFailed, TableError

CLASSES = [c for _, c in inspect.getmembers(errors, inspect.isclass) if issubclass(c, MachinamiError)]
_LINE = re.compile(r"^(?P<branch>[│ ├└─]*)(?P<name>[A-Z]\w+) +(?P<code>\d+) ", re.MULTILINE)


def documented():
    """{name: (parent, code)} as drawn in the module's docstring."""
    tree, path = {}, []
    for match in _LINE.finditer(errors.__doc__):
        depth = len(match["branch"]) // 4
        path[depth:] = [match["name"]]
        tree[match["name"]] = (path[depth - 1] if depth else "Exception", int(match["code"]))
    return tree


def test_the_tree_in_the_docstring_is_true():
    assert documented() == {c.__name__: (c.__mro__[1].__name__, c.exit_code) for c in CLASSES}


def test_bad_values_are_value_errors_where_the_docstring_says_so():
    for match in _LINE.finditer(errors.__doc__):
        line = errors.__doc__[match.start() :].splitlines()[0]
        if "ValueError" in line:
            assert issubclass(getattr(errors, match["name"]), ValueError)


def test_each_class_has_an_exit_code_of_its_own():
    codes = [c.exit_code for c in CLASSES]
    assert len(set(codes)) == len(codes)
    assert all("exit_code" in vars(c) for c in CLASSES)
    assert all(0 < code < 256 for code in codes)


def test_all_names_every_class():
    assert set(errors.__all__) == {c.__name__ for c in CLASSES}


@pytest.mark.parametrize(
    ("where", "text"),
    [
        ({}, "t.csv: is empty"),
        ({"row": 3}, "t.csv, row 3: is empty"),
        ({"row": 3, "column": "lat"}, "t.csv, row 3, column 'lat': is empty"),
    ],
)
def test_a_table_error_names_row_and_column(where, text):
    assert str(TableError("t.csv", "is empty", **where)) == text


def test_messages_say_what_to_do_next():
    assert str(NotReady("there is no split", command="machinami split x")).endswith("run `machinami split x` first")
    assert "pip install 'machinami[web]'" in str(MissingExtra("the page", "web"))


def test_failed_photos_are_listed_up_to_a_few_and_all_kept():
    failures = [(f"{i}.jpg", "is empty") for i in range(8)]
    error = SomePhotosFailed(failures)
    assert error.failures == tuple(failures)
    assert "4.jpg: is empty" in str(error)
    assert "5.jpg" not in str(error)
    assert "8 photos failed" in str(error)
    assert "and 3 more" in str(error)
    assert str(SomePhotosFailed(failures[:1])).startswith("1 photo failed")
