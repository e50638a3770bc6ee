"""What `check` says of a photo, and which of its marks depend on other photos."""

from dataclasses import dataclass

from machinami.catalog import Photo

__all__ = ["OPINIONS", "Mark", "code_of", "is_about_others", "is_candidate", "is_near_mark", "is_second_look"]

_ABOUT_OTHERS = ("exact-duplicate", "near-duplicate", "label-conflict")
# What the user may differ about; all other marks say that there is no right file.
OPINIONS = frozenset({
    "blurred", "cut-short", "dark", "exact-duplicate", "indoor", "label-conflict", "little-information",
    "near-duplicate", "overexposed", "overlay", "placeholder", "portrait", "third-party", "too-small", "uncut-sphere",
})  # fmt: skip
_SECOND_LOOK = ("overlay", "indoor")


@dataclass(frozen=True, slots=True)
class Mark:
    """Why a photo is unfit."""

    reason: str  # "code: details"
    score: float | None = None  # the measure behind it


def is_candidate(photo: Photo) -> bool:
    """Whether `check` has a say: kept photos, and those it marked itself."""
    return photo.state == "fetched" or (photo.state == "rejected" and photo.rejected_by == "check")


def is_about_others(photo: Photo) -> bool:
    """Whether the photo bears a mark that another photo is the reason of."""
    return photo.state == "rejected" and code_of(photo) in _ABOUT_OTHERS


def is_near_mark(photo: Photo) -> bool:
    """Whether that other photo is nearly the same; a conflict is of this kind where the photo is in a group."""
    return is_about_others(photo) and photo.near_group is not None


def is_second_look(photo: Photo) -> bool:
    """Whether the photo bears a mark that is only set once all photos have been measured."""
    return photo.state == "rejected" and code_of(photo) in _SECOND_LOOK


def code_of(photo: Photo) -> str:
    """The reason without its details; "" for none."""
    return (photo.reason or "").partition(":")[0]
