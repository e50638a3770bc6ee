import json

import pytest

from machinami.catalog import Catalog
from machinami.errors import InputError
from machinami.explain.regions import parse_regions, read_regions

TABLE = {"regions": {"0": "various", "2": "road", "1": "building"}, "unlabelled": [0]}


def test_names_come_from_the_catalogue(tmp_path):
    with Catalog(tmp_path / "catalog.sqlite") as catalog:
        assert read_regions(catalog) is None
        catalog.set_fact("regions", json.dumps(TABLE))
        regions = read_regions(catalog)
    assert regions.numbers == (1, 2)
    assert regions.names == ("building", "road")


@pytest.mark.parametrize(
    "table", [[], {}, {"regions": ["a"]}, {"regions": {"one": "a"}}, {"regions": {"1": "a", "2": "a"}}]
)
def test_other_tables_are_refused(table):
    with pytest.raises(InputError, match="import the masks again"):
        parse_regions(table)
