"""Cards that say "no imagery here", and other pictures of nothing: one flat grey."""

from machinami.catalog import Photo
from machinami.check.marks import Mark

__all__ = ["judge_flatness"]


def judge_flatness(photo: Photo, *, placeholder_share: float) -> Mark | None:
    """A mark where nearly all pixels are within 3 levels of one grey, black and white included.

    Street View's card is #E4E3DF with a line of text: 98.96 % of one card's 640 × 640 pixels had exactly that
    colour. The share is `machinami.images.flatness.grey_share`; a street under an even white sky has far less.
    """
    if photo.grey_share is None or photo.grey_share < placeholder_share:
        return None
    return Mark(f"placeholder: {100 * photo.grey_share:.1f} % is one grey", photo.grey_share)
