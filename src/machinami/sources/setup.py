"""What a source is made with: its settings, its keys, and the hands it asks with."""

import re
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime

from machinami.config import CollectConfig, SourceConfig
from machinami.errors import CredentialError
from machinami.sources.manners import Asker, Manners, Pace, RequestCount
from machinami.sources.secret import Secret
from machinami.sources.transport import Transport, check_base_url, rebase

__all__ = ["KEY_NAMES", "Setup"]

# The environment variables that the command line reads, by the name under which the library takes them.
KEY_NAMES: Mapping[str, str] = {
    "google_key": "GOOGLE_MAPS_API_KEY",
    "google_signing_secret": "GOOGLE_MAPS_SIGNING_SECRET",
    "mapillary_token": "MAPILLARY_ACCESS_TOKEN",
    "kartaview_token": "KARTAVIEW_ACCESS_TOKEN",
}
_KEY = re.compile("[!-~]+")  # what a header or a query can carry as it stands; no provider's key holds anything else


def _utc_now() -> datetime:
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class Setup:
    """Everything that a source needs from outside. Clock, sleep and now are handed in so that tests need not wait."""

    source: SourceConfig
    collect: CollectConfig
    transport: Transport
    keys: Mapping[str, Secret] = field(default_factory=dict)
    clock: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep
    now: Callable[[], datetime] = _utc_now
    requests: RequestCount = field(default_factory=RequestCount)

    def url(self, address: str) -> str:
        """An address of the provider, or its stand-in below source.base_url. Raises ConfigError."""
        return rebase(address, self.base_url())

    def base_url(self) -> str:
        """The checked source.base_url; "" where there is none."""
        return check_base_url(self.source.base_url) if self.source.base_url else ""

    def pace_per_s(self, requests_per_s: float) -> float:
        """The pace for a host, whose own is given; only a stand-in may be asked faster than that."""
        asked = self.collect.requests_per_s
        if asked <= 0:
            return requests_per_s
        return asked if self.source.base_url else min(asked, requests_per_s)

    def asker(self, requests_per_s: float) -> Asker:
        """Hands for one host, whose own pace is given (see `pace_per_s`)."""
        return Asker(
            transport=self.transport,
            manners=Manners(attempts=self.collect.attempts, deadline_s=self.collect.deadline_s),
            pace=Pace(self.pace_per_s(requests_per_s), clock=self.clock, sleep=self.sleep),
            clock=self.clock,
            sleep=self.sleep,
            requests=self.requests,
            keys=tuple(self.keys.values()),
        )

    def key(self, name: str, *, needed_for: str) -> Secret:
        """A key by its name in KEY_NAMES' keys. Raises CredentialError, which says how to hand it over."""
        key = self.optional_key(name)
        if key is None:
            raise CredentialError(
                f"{needed_for} needs a key: put it into the environment variable {KEY_NAMES[name]}, or into a "
                f"file that only you can read (mode 0600) as {KEY_NAMES[name]}=… and name that with --key-file"
            )
        return key

    def optional_key(self, name: str) -> Secret | None:
        """A key by its name in KEY_NAMES' keys, None where there is none. Raises CredentialError for a bad one."""
        key = self.keys.get(name)
        if key is not None and not _KEY.fullmatch(key.value):
            raise CredentialError(
                f"{KEY_NAMES[name]} is no key: it is empty or holds blanks, line breaks or characters beyond ASCII; "
                "copy it anew from the provider's page"
            )
        return key
