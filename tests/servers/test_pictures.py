import io

from PIL import Image

from tests.servers.pictures import CARD_COLOUR, card_bytes, name_in, photo_bytes


def opened(data):
    picture = Image.open(io.BytesIO(data))
    picture.load()
    return picture


def test_each_photo_has_its_name_and_pixels_of_its_own():
    photos = [photo_bytes(f"some {number}") for number in range(50)]
    assert [name_in(data) for data in photos] == [f"some {number}" for number in range(50)]
    assert len({opened(data).tobytes() for data in photos}) == 50
    assert photos[0] == photo_bytes("some 0")


def test_a_photo_has_the_size_asked_for():
    assert opened(photo_bytes("pano", size=(640, 320))).size == (640, 320)


def test_the_card_is_flat_but_for_a_line_of_text():
    colours = {colour: count for count, colour in opened(card_bytes("Sorry")).getcolors(1 << 20)}
    assert 0.98 < colours[CARD_COLOUR] / 640**2 < 1
