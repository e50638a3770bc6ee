"""Photos to send to a server: what is in each file's EXIF is known."""

import csv
import io
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from PIL import Image
from PIL.TiffImagePlugin import IFDRational

from machinami.sources.town import TownSettings, make_photo
from tests.shared_data import SHARED_DATA

STREETSCAPES = SHARED_DATA / "global-streetscapes"  # real photos, where this machine has them
FLAT_PHOTOS, ROUND_PHOTOS = 24, 6


@dataclass(frozen=True, slots=True, kw_only=True)
class Upload:
    """A JPEG file and what its EXIF says; None where it says nothing."""

    name: str
    jpeg: bytes = field(repr=False)
    made: bool  # by the tests, as against taken in a street
    width: int
    height: int
    is_360: bool
    lat: float | None
    lon: float | None
    heading_deg: float | None
    date: str | None  # DateTimeOriginal, as in EXIF
    subsecond: str | None  # SubSecTimeOriginal: the digits behind the point
    offset: str | None  # OffsetTimeOriginal: +09:00
    make: str | None
    model: str | None
    artist: str | None
    focal_mm: float | None
    focal_35mm: int | None
    pose_heading_deg: float | None  # of XMP, not EXIF


def made_uploads():
    """Flat photos of two made towns, and 360° pictures; between them every field is there in some and not in others."""
    settings = TownSettings(towns=("a", "b"), size_px=320)
    for number in range(FLAT_PHOTOS):
        town, index = settings.towns[number % 2], number // 2
        photo = make_photo(settings, town, index)
        yield make_upload(
            f"{town}-{index:02d}.jpg",
            photo.image[:240],
            lat=photo.lat,
            lon=photo.lon,
            heading_deg=photo.heading_deg if number % 4 != 3 else None,
            captured=photo.captured_at,
            subsecond=("125", "5", None)[number % 3],
            offset="+00:00" if number % 3 != 1 else None,
            make=photo.camera_make if number % 5 != 4 else None,
            model=photo.camera_model if number % 5 != 4 else None,
            artist="Machinami" if number % 2 else None,
            focal_mm=4.5 if number % 3 == 0 else None,
            focal_35mm=26 if number % 3 == 0 else None,
        )
    for number in range(ROUND_PHOTOS):
        photo = make_photo(settings, "a", 40 + 7 * number)
        yield make_upload(
            f"round-{number}.jpg",
            draw_round(photo.heading_deg),
            lat=photo.lat,
            lon=photo.lon,
            heading_deg=photo.heading_deg,
            captured=photo.captured_at,
            make="Sorane",
            model="Ball 2",
            pose_heading_deg=round(photo.heading_deg, 1) if number == 1 else None,
        )


def draw_round(heading_deg, *, width=1024):
    """A 360° picture with sky, ground and a post at each of north (red), east, south (all white); uint8 (w/2, w, 3)."""
    height = width // 2
    picture = np.empty((height, width, 3), np.uint8)
    picture[: height // 2] = np.linspace((90, 150, 230), (210, 225, 240), height // 2)[:, None]
    picture[height // 2 :] = np.linspace((150, 145, 140), (70, 70, 70), height // 2)[:, None]
    column_heading = (heading_deg + (np.arange(width) + 0.5) / width * 360 - 180) % 360
    for post_deg, colour in ((0, (220, 30, 30)), (90, (250, 250, 250)), (180, (250, 250, 250))):
        near = np.abs((column_heading - post_deg + 180) % 360 - 180) < 2
        picture[height // 3 : height * 2 // 3, near] = colour
    return picture


def make_upload(
    name,
    pixels,
    *,
    captured,
    lat=None,
    lon=None,
    heading_deg=None,
    subsecond=None,
    offset=None,
    make=None,
    model=None,
    artist=None,
    focal_mm=None,
    focal_35mm=None,
    pose_heading_deg=None,
):
    """A JPEG with exactly these facts in its EXIF. `captured`: a datetime, or None."""
    exif = Image.Exif()
    date = captured.strftime("%Y:%m:%d %H:%M:%S") if captured else None
    main = {0x010F: make, 0x0110: model, 0x013B: artist}
    details = {0x9003: date, 0x9011: offset, 0x9291: subsecond, 0xA405: focal_35mm}
    if focal_mm is not None:
        details[0x920A] = IFDRational(round(focal_mm * 100), 100)
    gps = {}
    if lat is not None and lon is not None:
        gps = {1: "NS"[lat < 0], 2: _dms(lat), 3: "EW"[lon < 0], 4: _dms(lon)}
    if heading_deg is not None:
        gps |= {16: "T", 17: IFDRational(round(heading_deg * 100), 100)}
    exif.update({tag: value for tag, value in main.items() if value is not None})
    exif.get_ifd(0x8769).update({tag: value for tag, value in details.items() if value is not None})
    exif.get_ifd(0x8825).update(gps)
    file = io.BytesIO()
    xmp = _xmp(pose_heading_deg) if pose_heading_deg is not None else b""
    Image.fromarray(pixels).save(file, "JPEG", quality=90, exif=exif, **({"xmp": xmp} if xmp else {}))
    height, width = pixels.shape[:2]
    return Upload(
        name=name,
        jpeg=file.getvalue(),
        made=True,
        width=width,
        height=height,
        is_360=width == 2 * height,
        lat=lat,
        lon=lon,
        heading_deg=None if heading_deg is None else round(heading_deg * 100) / 100,
        date=date,
        subsecond=subsecond,
        offset=offset,
        make=make,
        model=model,
        artist=artist,
        focal_mm=focal_mm,
        focal_35mm=focal_35mm,
        pose_heading_deg=pose_heading_deg,
    )


def _dms(degrees):
    """Degrees, minutes, and seconds to a ten-thousandth (3 mm)."""
    total = round(abs(degrees) * 3600 * 10_000)
    minutes, seconds = divmod(total, 60 * 10_000)
    return (IFDRational(minutes // 60), IFDRational(minutes % 60), IFDRational(seconds, 10_000))


def _xmp(pose_heading_deg):
    return (
        '<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">'
        '<rdf:Description rdf:about="" xmlns:GPano="http://ns.google.com/photos/1.0/panorama/" '
        f'GPano:ProjectionType="equirectangular" GPano:PoseHeadingDegrees="{pose_heading_deg}"/>'
        "</rdf:RDF></x:xmpmeta>"
    ).encode()


def street_uploads():
    """The real photos of the shared folder; none where it is absent."""
    table = STREETSCAPES / "photos.csv"
    if not table.is_file():
        return
    with table.open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            yield _street_upload(row)


def _street_upload(row):
    jpeg = (STREETSCAPES / row["file"]).read_bytes()
    with Image.open(io.BytesIO(jpeg)) as image:
        width, height = image.size
        exif = image.getexif()
        details, gps = exif.get_ifd(0x8769), exif.get_ifd(0x8825)
    return Upload(
        name=Path(row["file"]).name,
        jpeg=jpeg,
        made=False,
        width=width,
        height=height,
        is_360=row["projection"] == "spherical",
        lat=_degrees(gps[2], gps[1]),
        lon=_degrees(gps[4], gps[3]),
        heading_deg=float(gps[17]) if 17 in gps else None,
        date=details.get(0x9003),
        subsecond=details.get(0x9291),
        offset=details.get(0x9011),
        make=exif.get(0x010F),
        model=exif.get(0x0110),
        artist=exif.get(0x013B),
        focal_mm=details.get(0x920A),
        focal_35mm=details.get(0xA405),
        pose_heading_deg=None,
    )


def _degrees(parts, letter):
    degrees = sum(float(part) / scale for part, scale in zip(parts, (1, 60, 3600), strict=True))
    return degrees if letter in "NE" else -degrees
