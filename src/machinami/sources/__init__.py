"""Where photos come from: one module for each provider, and the made town."""

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from machinami.config import Config
from machinami.errors import ConfigError

if TYPE_CHECKING:
    from machinami.sources.setup import Setup
    from machinami.sources.source import Source

__all__ = ["SOURCES", "make_source"]


def _panoramax(config: Config, setup: "Setup") -> "Source":
    from machinami.sources.panoramax import PanoramaxSource

    del config
    return PanoramaxSource(setup)


def _mapillary(config: Config, setup: "Setup") -> "Source":
    from machinami.sources.mapillary import MapillarySource

    del config
    return MapillarySource(setup)


def _kartaview(config: Config, setup: "Setup") -> "Source":
    from machinami.sources.kartaview import KartaViewSource

    del config
    return KartaViewSource(setup)


def _google(config: Config, setup: "Setup") -> "Source":
    from machinami.sources.google import GoogleSource

    return GoogleSource(setup, match_m=config.sampling.match_m)


SOURCES: Mapping[str, Callable[[Config, "Setup"], "Source"]] = {
    "panoramax": _panoramax,
    "mapillary": _mapillary,
    "kartaview": _kartaview,
    "google": _google,
}


def make_source(config: Config, setup: "Setup") -> "Source":
    """The provider that the config names; nothing is asked yet. Raises ConfigError, CredentialError, TermsError."""
    make = SOURCES.get(config.source.kind)
    if make is None:
        raise ConfigError(
            f'source.kind = "{config.source.kind}" is no provider: photos of your own come in by `machinami import`; '
            f"to collect, take one of {', '.join(SOURCES)}"
        )
    return make(config, setup)
