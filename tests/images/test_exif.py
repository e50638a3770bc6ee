import io
from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from PIL.TiffImagePlugin import IFDRational

from machinami.images.exif import read_exif

NOW = datetime(2026, 11, 23, tzinfo=UTC)


def reread(main=None, details=None, gps=None, *, kind="JPEG"):
    """What is read of a picture that was saved with these tags."""
    exif = Image.Exif()
    exif.update(main or {})
    exif.get_ifd(0x8769).update(details or {})
    exif.get_ifd(0x8825).update(gps or {})
    buffer = io.BytesIO()
    Image.new("RGB", (8, 8)).save(buffer, kind, exif=exif)
    return read_exif(Image.open(buffer), now=NOW)


def dms(degrees, minutes=0.0, seconds=0.0):
    return (IFDRational(degrees), IFDRational(minutes), IFDRational(str(seconds)))


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "TIFF"])
def test_everything(kind):
    facts = reread(
        {0x010F: "NIKON\0", 0x0110: "Z  6\n", 0x013B: "山田", 0x8298: "CC BY 4.0"},
        {0x9003: "2014:07:09 12:34:56", 0x9011: "+09:00"},
        {1: "N", 2: dms(35, 30, 36), 3: "E", 4: dms(139, 15), 16: "T", 17: IFDRational(5405, 10)},
        kind=kind,
    )
    if kind != "TIFF":
        assert facts.position.lat == pytest.approx(35.51)
        assert facts.position.lon == pytest.approx(139.25)
        assert facts.captured.text == "2014-07-09T03:34:56Z"
    assert facts.heading_deg is None  # 540.5 is no heading
    assert (facts.camera_make, facts.camera_model) == ("NIKON", "Z 6")
    assert facts.attribution == "CC BY 4.0"


def test_nothing():
    facts = reread()
    assert facts.position is facts.captured is facts.camera_make is facts.heading_deg is None


@pytest.mark.parametrize(
    ("gps", "lat"),
    [
        ({1: "S", 2: dms(33, 30), 3: "E", 4: dms(151)}, -33.5),
        ({1: "s", 2: dms(33, 30), 3: "W", 4: dms(151)}, -33.5),
        ({1: "N", 2: dms(0), 3: "E", 4: dms(0)}, None),
        ({1: "N", 2: dms(91), 3: "E", 4: dms(0)}, None),
        ({2: dms(33), 4: dms(151)}, None),
        ({1: "N", 2: dms(33)}, None),
        ({1: "N", 2: (IFDRational(33, 0), IFDRational(0), IFDRational(0)), 3: "E", 4: dms(151)}, None),
        ({1: "?", 2: dms(33), 3: "E", 4: dms(151)}, None),
    ],
)
def test_positions(gps, lat):
    position = reread(gps=gps).position
    assert (position.lat if position else None) == lat


@pytest.mark.parametrize(("value", "heading"), [(0, 0), (359.5, 359.5), (360, 0), (360.5, None)])
def test_headings(value, heading):
    assert reread(gps={17: IFDRational(str(value))}).heading_deg == heading


@pytest.mark.parametrize(
    ("main", "details", "gps", "text"),
    [
        ({}, {0x9003: "2014:07:09 12:00:00"}, {}, "2014-07-09"),
        ({}, {0x9003: "0000:00:00 00:00:00"}, {}, None),
        ({}, {0x9003: "    :  :     :  :  "}, {}, None),
        ({}, {0x9003: "1980:01:01 00:00:00"}, {}, None),
        ({}, {0x9003: "2099:01:01 00:00:00"}, {}, None),
        ({0x0132: "2015:01:02 03:04:05"}, {0x9003: "0000:00:00 00:00:00"}, {}, "2015-01-02"),
        ({0x0132: "2015:01:02 03:04:05"}, {0x9004: "2014:01:02 03:04:05"}, {}, "2014-01-02"),
        ({}, {0x9003: "2014:07:09 12:00:00", 0x9011: "nonsense"}, {}, "2014-07-09"),
        ({}, {0x9003: "2014:07:09 12:00:00"}, {29: "2014:07:09", 7: dms(3, 0, 7)}, "2014-07-09T03:00:07Z"),
        ({}, {}, {29: "2014:07:09", 7: dms(3, 0, 7)}, "2014-07-09T03:00:07Z"),
        ({}, {}, {29: "2014:07:09", 7: dms(25, 0, 7)}, None),
        ({}, {}, {29: "2014:07:09"}, None),
    ],
)
def test_dates(main, details, gps, text):
    captured = reread(main, details, gps).captured
    assert (captured.text if captured else None) == text


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=300), st.sampled_from([b"", b"II*\0\x08\0\0\0", b"MM\0*\0\0\0\x08\0\x02"]))
def test_any_bytes_as_exif_are_survived(garbage, head):
    image = Image.new("RGB", (4, 4))
    image.info["exif"] = b"Exif\0\0" + head + garbage
    read_exif(image, now=NOW)


@settings(max_examples=200, deadline=None)
@given(st.data())
def test_damaged_exif_is_survived(data):
    exif = Image.Exif()
    exif[0x010F] = "Maker"
    exif.get_ifd(0x8769)[0x9003] = "2014:07:09 12:00:00"
    exif.get_ifd(0x8825).update({1: "N", 2: dms(35), 3: "E", 4: dms(139), 17: IFDRational(90)})
    raw = bytearray(exif.tobytes())
    for _ in range(data.draw(st.integers(1, 12))):
        raw[data.draw(st.integers(6, len(raw) - 1))] = data.draw(st.integers(0, 255))
    image = Image.new("RGB", (4, 4))
    image.info["exif"] = bytes(raw)
    read_exif(image, now=NOW)
