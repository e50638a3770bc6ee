"""Which places a project tells apart, in one fixed order."""

from machinami.catalog import Catalog
from machinami.config import Config, PlaceConfig
from machinami.errors import InputError

__all__ = ["label_of", "resolve_places"]


def resolve_places(config: Config, catalog: Catalog) -> tuple[PlaceConfig, ...]:
    """The places of the config, in its order; where it names none, those of the kept photos, sorted.

    Raises InputError for fewer than two.
    """
    places = config.places
    if not places:
        keys = sorted({place for place, state, _, _ in catalog.counts() if state == "fetched" and place})
        places = tuple(PlaceConfig(key=key) for key in keys)
    if len(places) < 2:
        raise InputError(
            f"telling places apart needs two at least, and there {'is' if places else 'are'} {len(places)}: "
            "import photos of another place, or add [[places]] to machinami.toml"
        )
    return places


def label_of(place: PlaceConfig) -> str:
    """The name shown to readers."""
    return place.label or place.key
