"""Files from the model hub, kept in its cache. Every failure names the way that needs no network."""

from pathlib import Path

from machinami.errors import WeightsError

__all__ = ["HUB_PATIENCE_S", "cached_file", "first_line", "hub_file"]

HUB_PATIENCE_S = 4  # for a hub's first answer


def hub_file(
    repository: str, name: str, *, revision: str | None = None, endpoint: str | None = None, offline_way: str
) -> Path:
    """A file of a repository on the hub: from its cache, fetched where it is not there yet.

    `endpoint`: a hub other than the public one. Raises WeightsError, which ends with `offline_way`.
    """
    import httpx2
    from huggingface_hub.errors import HfHubHTTPError, HFValidationError

    try:
        return _fetched(repository, name, revision, endpoint)
    except (OSError, httpx2.HTTPError, HfHubHTTPError, HFValidationError) as error:
        what = f"the weights {repository}" if name.endswith(".safetensors") else f"{name} of {repository}"
        raise WeightsError(
            f"{what} could not be fetched from the model hub ({first_line(error)}): {offline_way}"
        ) from error


def _fetched(repository: str, name: str, revision: str | None, endpoint: str | None) -> Path:
    """The file in the hub's cache. Raises what the hub's client raises.

    The client asks a hub that does not answer six times over 23 seconds before it gives up, so that a single short
    question goes ahead of the download.
    """
    from huggingface_hub import get_hf_file_metadata, hf_hub_download, hf_hub_url

    there = cached_file(repository, name, revision=revision)
    if there is not None:
        return there
    url = hf_hub_url(repository, name, revision=revision, endpoint=endpoint)
    get_hf_file_metadata(url, timeout=HUB_PATIENCE_S, endpoint=endpoint)
    return Path(hf_hub_download(repository, name, revision=revision, endpoint=endpoint))


def cached_file(repository: str, name: str, *, revision: str | None = None) -> Path | None:
    """The file in the hub's cache, or None where it was never fetched; asks no hub."""
    from huggingface_hub import hf_hub_download
    from huggingface_hub.errors import LocalEntryNotFoundError

    try:
        return Path(hf_hub_download(repository, name, revision=revision, local_files_only=True))
    except LocalEntryNotFoundError:
        return None


def first_line(error: BaseException) -> str:
    """What an error says, in one line; its kind where it says nothing."""
    return next(iter(str(error).strip().splitlines()), "")[:200] or type(error).__name__
