"""Networks in two parts (`features`, `classify`), their pretrained weights, and models on disk."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from machinami.models.card import Card, read_card
    from machinami.models.folder import LoadedModel, load_model, save_model
    from machinami.models.network import PlaceModel

__all__ = ["Card", "LoadedModel", "PlaceModel", "load_model", "read_card", "save_model"]

_HOMES = {"Card": "card", "read_card": "card", "PlaceModel": "network"}


def __getattr__(name: str) -> Any:
    """Import on first use: cards are read where torch is not wanted."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(f"{__name__}.{_HOMES.get(name, 'folder')}"), name)
