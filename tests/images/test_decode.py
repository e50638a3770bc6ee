import io
import random
import warnings

import numpy as np
import pytest
from PIL import Image

from machinami.images.decode import PhotoError, copy_photo, decode_photo, digest_photo


def encoded(image, kind="PNG", **options):
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def noise(size=(60, 40), seed=0):
    return Image.fromarray(np.random.default_rng(seed).integers(0, 256, (size[1], size[0], 3), np.uint8))


def decode(data, **options):
    return decode_photo(data, max_pixels=10**7, **options)


def test_lossless_pixels_come_back_exactly(tmp_path):
    image = noise()
    path = tmp_path / "a.png"
    path.write_bytes(encoded(image))
    for source in (path, path.read_bytes()):
        pixels = decode(source)
        assert pixels.dtype == np.uint8
        assert pixels.flags.writeable
        np.testing.assert_array_equal(pixels, np.asarray(image))


@pytest.mark.parametrize("orientation", range(1, 9))
def test_orientations_as_the_standard_says(orientation):
    """EXIF 2.3, table 6: which side of the picture the stored row 0 and column 0 are."""
    upright = np.zeros((4, 6, 3), np.uint8)
    upright[0, 0] = 255  # top left
    upright[0, 5] = 100  # top right
    row0, column0 = [
        ("top", "left"), ("top", "right"), ("bottom", "right"), ("bottom", "left"),
        ("left", "top"), ("right", "top"), ("right", "bottom"), ("left", "bottom"),
    ][orientation - 1]  # fmt: skip
    stored = upright.transpose(1, 0, 2) if row0 in {"left", "right"} else upright
    if row0 in {"bottom", "right"}:
        stored = stored[::-1]
    if column0 in {"bottom", "right"}:
        stored = stored[:, ::-1]
    exif = Image.Exif()
    exif[0x0112] = orientation
    data = encoded(Image.fromarray(np.ascontiguousarray(stored)), exif=exif)
    np.testing.assert_array_equal(decode(data), upright)


def test_grey_becomes_three_equal_channels():
    pixels = decode(encoded(noise().convert("L")))
    assert (pixels == pixels[..., :1]).all()


def test_sixteen_bits_keep_their_high_byte():
    levels = np.arange(0, 65536, 16, dtype=np.uint16).reshape(64, 64)
    pixels = decode(encoded(Image.fromarray(levels)))
    np.testing.assert_array_equal(pixels[..., 0], levels >> 8)


def test_what_is_transparent_shows_white():
    image = Image.new("RGBA", (4, 4), (10, 20, 30, 0))
    image.putpixel((0, 0), (10, 20, 30, 255))
    pixels = decode(encoded(image))
    assert pixels[0, 0].tolist() == [10, 20, 30]
    assert pixels[1, 1].tolist() == [255, 255, 255]


def test_a_clear_palette_entry_shows_white():
    image = Image.new("P", (4, 4), 0)
    image.putpalette([10, 20, 30, 40, 50, 60])
    image.putpixel((0, 0), 1)
    pixels = decode(encoded(image, transparency=0))
    assert pixels[0, 0].tolist() == [40, 50, 60]
    assert pixels[1, 1].tolist() == [255, 255, 255]


def test_cmyk_comes_out_in_its_colours():
    image = Image.new("RGB", (64, 64), (200, 40, 40)).convert("CMYK")
    assert np.abs(decode(encoded(image, "JPEG", quality=95))[32, 32].astype(int) - (200, 40, 40)).max() < 12


@pytest.mark.parametrize(
    ("size", "expected"), [((1200, 800), (200, 300)), ((150, 100), (100, 150)), ((801, 1600), (399, 200))]
)
def test_reduced_to_a_shorter_side(size, expected):
    pixels = decode(encoded(noise(size), "JPEG"), shorter_side_px=200)
    assert pixels.shape == (*expected, 3) if size != (801, 1600) else pixels.shape[1] == 200
    assert abs(pixels.shape[0] / pixels.shape[1] - size[1] / size[0]) < 0.01


def test_reduced_looks_like_the_whole_reduced():
    ramp = np.linspace(0, 255, 1600).astype(np.uint8)
    image = Image.fromarray(np.broadcast_to(ramp[None, :, None], (1200, 1600, 3)).copy())
    pixels = decode(encoded(image, "JPEG", quality=95), shorter_side_px=150)
    assert np.abs(pixels[75, :, 0].astype(float) - np.linspace(0, 255, 200)).max() < 4


def test_reduced_and_turned():
    exif = Image.Exif()
    exif[0x0112] = 6
    assert decode(encoded(noise((400, 200)), "JPEG", exif=exif), shorter_side_px=100).shape == (200, 100, 3)


def test_the_header_is_judged_before_anything_is_decoded(monkeypatch):
    data = encoded(noise((300, 200)))
    monkeypatch.setattr(Image.Image, "load", lambda _: pytest.fail("decoded"))
    with pytest.raises(PhotoError, match="too-many-pixels") as caught:
        decode_photo(data, max_pixels=300 * 200 - 1)
    assert caught.value.state == "rejected"


def test_as_many_pixels_as_allowed():
    assert decode_photo(encoded(noise((300, 200))), max_pixels=300 * 200).shape == (200, 300, 3)


def test_a_file_that_cannot_be_opened_says_why(tmp_path, monkeypatch):
    path = tmp_path / "a.png"
    path.write_bytes(encoded(noise()))

    def refuse(*_):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(type(path), "open", refuse)
    for work in (digest_photo, decode):
        with pytest.raises(PhotoError, match="unreadable-file: Permission denied") as caught:
            work(path)
        assert caught.value.state == "failed"


def test_a_folder_is_no_photo(tmp_path):
    with pytest.raises(PhotoError, match="not-a-file"):
        decode(tmp_path)


def test_copies_are_whole(tmp_path):
    path = tmp_path / "a.png"
    path.write_bytes(encoded(noise((500, 400))))
    assert copy_photo(path, tmp_path / "b.png") == digest_photo(path) == digest_photo(tmp_path / "b.png")


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "TIFF", "BMP", "GIF", "AVIF"])
def test_damaged_bytes_decode_or_fail_with_a_reason(kind):
    """A thousand damaged files: cut short, bytes changed, parts swapped."""
    whole = encoded(noise((64, 48)), kind)
    chance = random.Random(kind)
    outcomes = set()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for _ in range(150):
            data = bytearray(whole)
            for _ in range(chance.choice([0, 1, 4, 30])):
                data[chance.randrange(len(data))] = chance.randrange(256)
            if chance.random() < 0.5:
                data = data[: chance.randrange(len(data))]
            try:
                assert decode(bytes(data)).ndim == 3
                outcomes.add("decoded")
            except PhotoError as error:
                outcomes.add(error.reason.partition(":")[0])
    assert "undecodable" in outcomes


def test_no_file_stays_open(tmp_path, monkeypatch):
    path = tmp_path / "a.png"
    path.write_bytes(encoded(noise()))
    opened = []
    real = type(path).open
    monkeypatch.setattr(type(path), "open", lambda *args, **kind: opened.append(real(*args, **kind)) or opened[-1])
    decode(path)
    path.write_bytes(encoded(noise())[:500])
    with pytest.raises(PhotoError):
        decode(path)
    assert len(opened) >= 2
    assert all(file.closed for file in opened)
