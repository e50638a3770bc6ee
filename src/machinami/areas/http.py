"""One request over the network, by httpx: whole or not at all, no redirects, bounded in time and size."""

import time
from collections.abc import Mapping

from machinami.areas.nominatim import Reply

__all__ = ["fetch_http"]

_TIMEOUT_S = 30.0  # for each step: connecting, a silent line
_DEADLINE_S = 120.0
_MAX_BYTES = 64 << 20


def fetch_http(url: str, headers: Mapping[str, str], /) -> Reply:
    """The reply of the server. Raises OSError (TimeoutError, ConnectionError) where none comes, or too large a one."""
    import httpx

    until = time.monotonic() + _DEADLINE_S
    try:
        # trust_env=False: no proxy that the user does not see in the config
        with (
            httpx.Client(follow_redirects=False, timeout=_TIMEOUT_S, trust_env=False) as client,
            client.stream("GET", url, headers=dict(headers)) as answer,
        ):
            body = bytearray()
            for part in answer.iter_bytes():
                body += part
                if len(body) > _MAX_BYTES:
                    raise ConnectionError(f"the answer is larger than {_MAX_BYTES >> 20} MiB")
                if time.monotonic() > until:
                    raise TimeoutError(f"not whole after {_DEADLINE_S:g} s")
            return Reply(answer.status_code, dict(answer.headers), bytes(body))
    except httpx.TimeoutException as error:
        raise TimeoutError(f"silent for {_TIMEOUT_S:g} s") from error
    except (httpx.HTTPError, httpx.StreamError, httpx.InvalidURL) as error:
        raise ConnectionError(str(error) or type(error).__name__) from error
