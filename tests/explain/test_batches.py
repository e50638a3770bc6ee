import numpy as np
import pytest

from machinami.catalog import Photo
from machinami.explain.batches import decoded_batches
from machinami.images.decode import PhotoError

PHOTOS = [Photo(photo_id=i, source="folder", source_id=str(i)) for i in range(10)]


def read(photo):
    if photo.photo_id in (3, 9):
        raise PhotoError("x.jpg", f"undecodable: {photo.photo_id}")
    return np.full((2, 2, 3), photo.photo_id, np.uint8)


@pytest.mark.parametrize("size", [1, 4, 10, 99])
def test_all_photos_come_in_their_order(size):
    batches = list(decoded_batches(PHOTOS, read, size=size))
    assert [photo.photo_id for batch in batches for photo in batch.photos] == [0, 1, 2, 4, 5, 6, 7, 8]
    assert all(p[0, 0, 0] == photo.photo_id for b in batches for photo, p in zip(b.photos, b.pixels, strict=True))
    failures = [(photo.photo_id, reason) for batch in batches for photo, reason in batch.failures]
    assert failures == [(3, "undecodable: 3"), (9, "undecodable: 9")]
    assert len(batches) == -(-10 // size)


def test_no_more_than_two_batches_are_decoded_ahead():
    started = []

    def note(photo):
        started.append(photo.photo_id)
        return np.zeros((1, 1, 3), np.uint8)

    batches = decoded_batches(PHOTOS, note, size=2)
    next(batches)
    assert len(started) <= 4
    batches.close()
    assert len(started) <= 4


def test_other_errors_travel():
    with pytest.raises(ZeroDivisionError):
        list(decoded_batches(PHOTOS, lambda photo: 1 / 0, size=4))
