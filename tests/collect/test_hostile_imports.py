"""Everything that people's folders hold. Each case gets its row or its typed error, and the good photos arrive."""

import io
import json
import os
import struct
import unicodedata
import zlib

import numpy as np
import pytest
from PIL import Image

from machinami.collect.importing import import_photos
from machinami.errors import InputError, MachinamiError, TableError

GOOD = ["here/good 1.jpg", "here/good 2.jpg", "there/good 3.jpg", "there/good 4.jpg"]


def saved(image, kind, **options):
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def noise(seed=7, size=(160, 120)):
    return Image.fromarray(np.random.default_rng(seed).integers(0, 256, (size[1], size[0], 3), np.uint8))


def jpeg(seed=7, size=(160, 120), **options):
    return saved(noise(seed, size), "JPEG", **options)


def png_chunk(name, data):
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))


def png_header(width, height, depth=8, colour=2):
    header = struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + png_chunk(b"IHDR", header) + png_chunk(b"IDAT", zlib.compress(b"\0" * 99))


def huge_jpeg():
    """A small JPEG whose header claims 60 000 × 60 000 pixels."""
    data = bytearray(jpeg())
    at = data.index(b"\xff\xc0")
    data[at + 5 : at + 9] = struct.pack(">HH", 60_000, 60_000)
    return bytes(data)


def with_exif(payload):
    """A JPEG whose APP1 segment holds `payload` as its EXIF."""
    data = jpeg()
    segment = b"Exif\0\0" + payload
    return data[:2] + b"\xff\xe1" + struct.pack(">H", len(segment) + 2) + segment + data[2:]


def frames(kind, **options):
    pictures = [noise(seed) for seed in range(3)]
    return saved(pictures[0], kind, save_all=True, append_images=pictures[1:], duration=100, **options)


def tagged(tags):
    exif = Image.Exif()
    exif.update(tags)
    return jpeg(exif=exif)


def sixteen_bit():
    return saved(Image.fromarray(np.random.default_rng(1).integers(0, 65536, (120, 160), np.uint16)), "PNG")


def clear_palette():
    image = noise().quantize(16)
    image.info["transparency"] = bytes(range(16))
    return saved(image, "PNG", transparency=bytes(range(16)))


def middle_overwritten():
    data = bytearray(jpeg())
    data[len(data) // 2 : len(data) // 2 + 200] = b"\xff\xd9" * 100
    return bytes(data)


OK = None
FILES = {  # name: (bytes, state, code of the reason)
    "truncated at 2 bytes.jpg": (jpeg()[:2], "failed", "not-an-image"),
    "truncated at 20 bytes.jpg": (jpeg()[:20], "failed", "undecodable"),
    "truncated in the tables.jpg": (jpeg()[:300], "failed", "undecodable"),
    "truncated at a half.jpg": (jpeg()[: len(jpeg()) // 2], "failed", "undecodable"),
    "truncated at 90 %.jpg": (jpeg()[: len(jpeg()) * 9 // 10], "failed", "undecodable"),
    "truncated.png": (saved(noise(), "PNG")[:-5000], "failed", "undecodable"),
    "truncated.webp": (saved(noise(), "WEBP")[:400], "failed", "undecodable"),
    "truncated in the header.webp": (saved(noise(), "WEBP")[:25], "failed", "undecodable"),
    "truncated.tif": (saved(noise(), "TIFF")[:3000], "failed", "undecodable"),
    "truncated.gif": (saved(noise(), "GIF")[:900], "failed", "undecodable"),
    "truncated.bmp": (saved(noise(), "BMP")[:900], "failed", "undecodable"),
    "truncated.avif": (saved(noise(), "AVIF")[:300], "failed", "undecodable"),
    "a png called.jpg": (saved(noise(), "PNG"), "fetched", OK),
    "a jpeg called.png": (jpeg(), "fetched", OK),
    "a web page.jpg": (b"<!DOCTYPE html><html><body>404 not found</body></html>", "failed", "not-an-image"),
    "nothing.jpg": (b"", "failed", "empty-file"),
    "zeros.jpg": (b"\0" * 5000, "failed", "not-an-image"),
    "words.png": (b"no picture at all", "failed", "not-an-image"),
    "a pdf.jpg": (b"%PDF-1.7\n" + b"x" * 99, "failed", "unsupported-format"),
    "an iphone's.heic": (b"\0\0\0\x18ftypheic" + b"\0" * 99, "failed", "unsupported-format"),
    "a film.jpg": (b"\0\0\0\x18ftypmp42" + b"\0" * 99, "failed", "unsupported-format"),
    "a drawing.jpg": (b"%!PS-Adobe-3.0 EPSF-3.0\n", "failed", "not-an-image"),
    "a vector drawing.png": (b'<svg xmlns="http://www.w3.org/2000/svg"/>', "failed", "not-an-image"),
    "a bomb.png": (png_header(50_000, 50_000), "rejected", "too-many-pixels"),
    "the largest png.png": (png_header(2**31 - 1, 2**31 - 1), "rejected", "too-many-pixels"),
    "just too large.png": (png_header(10_001, 10_000), "rejected", "too-many-pixels"),
    "a huge jpeg.jpg": (huge_jpeg(), "rejected", "too-many-pixels"),
    "no pixels.png": (png_header(0, 0), "failed", "undecodable"),
    "moving.gif": (frames("GIF"), "rejected", "animated"),
    "moving.webp": (frames("WEBP"), "rejected", "animated"),
    "moving.png": (frames("PNG"), "rejected", "animated"),
    "several pages.tif": (frames("TIFF"), "rejected", "animated"),
    "still.gif": (saved(noise(), "GIF"), "fetched", OK),
    "still.webp": (saved(noise(), "WEBP"), "fetched", OK),
    "still.tif": (saved(noise(), "TIFF"), "fetched", OK),
    "still.bmp": (saved(noise(), "BMP"), "fetched", OK),
    "still.avif": (saved(noise(), "AVIF"), "fetched", OK),
    "print colours.jpg": (saved(noise().convert("CMYK"), "JPEG"), "fetched", OK),
    "grey.jpg": (saved(noise().convert("L"), "JPEG"), "fetched", OK),
    "sixteen bits.png": (sixteen_bit(), "fetched", OK),
    "one bit.png": (saved(noise().convert("1"), "PNG"), "fetched", OK),
    "palette.png": (saved(noise().quantize(64), "PNG"), "fetched", OK),
    "clear palette.png": (clear_palette(), "fetched", OK),
    "glass.png": (saved(noise().convert("RGBA"), "PNG"), "fetched", OK),
    "floats.tif": (saved(noise().convert("F"), "TIFF"), "failed", "undecodable"),
    "one pixel.png": (saved(noise(size=(1, 1)), "PNG"), "rejected", "too-small"),
    "a thin line.png": (saved(noise(size=(3000, 1)), "PNG"), "rejected", "too-small"),
    "just too small.jpg": (jpeg(size=(500, 95)), "rejected", "too-small"),
    "just large enough.jpg": (jpeg(size=(500, 96)), "fetched", OK),
    "two views.jpg": (saved(noise(), "MPO", save_all=True, append_images=[noise(8)]), "fetched", OK),
    "garbage exif.jpg": (with_exif(os.urandom(500)), "fetched", OK),
    "exif without end.jpg": (with_exif(b"II*\0\x08\0\0\0\xff\xff" + b"\x01" * 50), "fetched", OK),
    "exif in a circle.jpg": (with_exif(b"MM\0*\0\0\0\x08\0\0\0\0\0\x08"), "fetched", OK),
    "empty exif.jpg": (with_exif(b""), "fetched", OK),
    "odd orientation.jpg": (tagged({0x0112: 99}), "fetched", OK),
    "orientation in words.jpg": (tagged({0x010F: "x" * 5000, 0x0110: "\x01\x02"}), "fetched", OK),
    "zeros as date.jpg": (tagged({0x0132: "0000:00:00 00:00:00"}), "fetched", OK),
    "overwritten middle.jpg": (middle_overwritten(), None, None),  # either: what counts is that it ends well
}


@pytest.mark.parametrize("name", FILES)
def test_every_kind_of_file_becomes_a_row(name, project, photos, rows):
    data, state, code = FILES[name]
    (photos / "here" / name).write_bytes(data)
    report = import_photos(project, project.config(), photos)
    found = rows(project)
    assert [found[good].state for good in GOOD] == ["fetched"] * 4
    row = found[f"here/{name}"]
    assert row.state in {"fetched", "failed"} if state is None else row.state == state
    if state is not None:
        assert (row.reason.partition(":")[0] if row.reason else None) == code
    assert report.added + report.rejected + report.failed == 5
    if row.state == "fetched":
        assert project.path_of(row.file).read_bytes() == data


@pytest.mark.parametrize("orientation", range(1, 9))
def test_the_orientation_is_applied(orientation, project, photos, rows):
    exif = Image.Exif()
    exif[0x0112] = orientation
    (photos / "here/turned.jpg").write_bytes(jpeg(size=(200, 120), exif=exif))
    import_photos(project, project.config(), photos)
    row = rows(project)["here/turned.jpg"]
    assert (row.width, row.height) == ((200, 120) if orientation < 5 else (120, 200))


NAMES = [
    "with # and ? and %20 and &.jpg",
    "町田市の通り.jpg",
    "emoji 🏙️.jpg",
    "'quotes\" `and` $HOME.jpg",
    "line\nbreak.jpg",
    "right\u202eto left.jpg",
    "-rf.jpg",
    "--help.jpg",
    ";rm.jpg",
    "%s %d {0}.jpg",
    "two..dots..jpg",
    "UPPER.JPG",
    " blank at both ends .jpg",
    "tab\there.jpg",
    "é" * 100 + ".jpg",
    "x" * 200 + ".jpg",
    "CON.jpg",
    unicodedata.normalize("NFD", "がぎぐ é.jpg"),
]


@pytest.mark.parametrize("name", NAMES, ids=[ascii(name)[:40] for name in NAMES])
@pytest.mark.parametrize("link", [False, True], ids=["copied", "linked"])
def test_every_name_arrives(name, link, project, photos, rows):
    data = jpeg()
    (photos / "here" / name).write_bytes(data)
    import_photos(project, project.config(), photos, link=link)
    found = rows(project)
    row = found[f"here/{unicodedata.normalize('NFC', name)}"]
    assert row.state == "fetched"
    assert project.path_of(row.file).read_bytes() == data
    assert import_photos(project, project.config(), photos, link=link).already == 5


def test_a_name_that_is_no_utf8(project, photos, rows):
    (photos / "here" / os.fsdecode(b"\xff\xfe.jpg")).write_bytes(jpeg())
    assert import_photos(project, project.config(), photos).added == 5
    assert "here/\\xff\\xfe.jpg" in rows(project)


def test_a_name_that_is_no_utf8_cannot_be_linked(project, photos, rows):
    (photos / "here" / os.fsdecode(b"\xff\xfe.jpg")).write_bytes(jpeg())
    assert import_photos(project, project.config(), photos, link=True).failed == 1
    assert rows(project)["here/\\xff\\xfe.jpg"].reason.startswith("name-not-utf8")


def broken_link(folder):
    (folder / "odd.jpg").symlink_to(folder / "nowhere.jpg")


def self_link(folder):
    (folder / "odd.jpg").symlink_to(folder / "odd.jpg")


def unreadable(folder):
    (folder / "odd.jpg").write_bytes(jpeg())
    (folder / "odd.jpg").chmod(0)


def pipe(folder):
    os.mkfifo(folder / "odd.jpg")


@pytest.mark.parametrize(
    ("make", "code"),
    [
        (broken_link, "missing-file"),
        (self_link, "missing-file"),
        pytest.param(
            unreadable,
            "unreadable-file",
            marks=pytest.mark.skipif(os.geteuid() == 0, reason="root may read every file"),
        ),
        (pipe, "not-a-file"),
    ],
    ids=["broken link", "link to itself", "unreadable", "pipe"],
)
def test_what_is_no_readable_file_fails(make, code, project, photos, rows):
    make(photos / "here")
    report = import_photos(project, project.config(), photos)
    assert (report.added, report.failed) == (4, 1)
    assert rows(project)["here/odd.jpg"].reason.partition(":")[0] == code


def folder_called_like_a_photo(folder):
    (folder / "deeper.jpg").mkdir()
    (folder / "deeper.jpg/inside.jpg").write_bytes(jpeg())


def loop_of_links(folder):
    (folder / "loop").symlink_to(folder)
    (folder / "inside.jpg").write_bytes(jpeg())


def two_loops(folder):
    (folder / "a").mkdir()
    (folder / "a/b").symlink_to(folder / "c")
    (folder / "c").symlink_to(folder / "a")
    (folder / "a/inside.jpg").write_bytes(jpeg())


def linked_folder(folder):
    (folder / ".store").mkdir()
    (folder / ".store/inside.jpg").write_bytes(jpeg())
    (folder / "link").symlink_to(folder / ".store")


def place_that_is_a_link(folder):
    """The folder of a place may lie anywhere."""
    folder.rename(folder.parent.parent / "elsewhere")
    folder.symlink_to(folder.parent.parent / "elsewhere")
    (folder / "inside.jpg").write_bytes(jpeg())


def deep(folder):
    for _ in range(200):
        folder = folder / "deeper"
    folder.mkdir(parents=True)
    (folder / "inside.jpg").write_bytes(jpeg())


ODD_FOLDERS = [folder_called_like_a_photo, loop_of_links, two_loops, linked_folder, place_that_is_a_link, deep]


@pytest.mark.parametrize("make", ODD_FOLDERS)
def test_odd_folders_are_walked_once(make, project, photos):
    make(photos / "here")
    report = import_photos(project, project.config(), photos)
    assert (report.added, report.failed) == (5, 0)


@pytest.mark.parametrize("target", ["..", "../there", "../../elsewhere"])
def test_links_out_of_a_place_are_not_followed_but_told(target, project, photos, rows):
    (photos.parent / "elsewhere").mkdir()
    (photos.parent / "elsewhere/inside.jpg").write_bytes(jpeg())
    (photos / "here/link").symlink_to(target)
    report = import_photos(project, project.config(), photos)
    assert report.by_place == {"here": 2, "there": 2}
    assert sorted(rows(project)) == GOOD
    assert "links to folders outside their place were not followed (1): here/link" in report.notes


def test_other_files_are_left_out_and_counted(project, photos):
    for name in ["Thumbs.db", ".DS_Store", "._good 1.jpg", "notes.txt", "list.csv", "README", "x.json", "d.csv"]:
        (photos / "here" / name).write_text("x")
    (photos / "here/.git").mkdir()
    (photos / "__MACOSX").mkdir()
    (photos / "loose.jpg").write_bytes(jpeg())
    report = import_photos(project, project.config(), photos)
    assert (report.added, report.failed) == (4, 0)
    assert any(note.startswith("9 files that are no photos were left out: .csv 2") for note in report.notes)
    assert any("1 photos lie directly in photos" in note for note in report.notes)


# --- tables --------------------------------------------------------------------------------------------------

LINE = "here/good 1.jpg,here"
TABLES = {  # what is wrong: (the table, row, column, part of the message)
    "no such column": ("file,town\nhere/good 1.jpg,here\n", None, "place", "missing"),
    "no file column": ("photo,place\nhere/good 1.jpg,here\n", None, "file", "missing"),
    "lat without lon": (f"file,place,lat\n{LINE},35\n", None, "lon", "both"),
    "a column twice": (f"file,place,file\n{LINE},x\n", None, "file", "twice"),
    "no bytes": ("", None, None, "empty"),
    "blank lines": ("\n\n", None, None, "empty"),
    "header only": ("file,place\n", None, None, "no rows"),
    "too few cells": (f"file,place,lat,lon\n{LINE},35\n", 1, None, "3 cells"),
    "too many cells": (f"file,place\n{LINE}\n{LINE},x,y\n", 2, None, "4 cells"),
    "no file": ("file,place\n,here\n", 1, "file", "empty"),
    "no place": ("file,place\nhere/good 1.jpg,\n", 1, "place", "empty"),
    "up and out": ("file,place\n../secret.jpg,here\n", 1, "file", "leaves"),
    "up in the middle": ("file,place\nhere/../../secret.jpg,here\n", 1, "file", "leaves"),
    "absolute": ("file,place\n/etc/passwd,here\n", 1, "file", "absolute"),
    "a drive": ("file,place\nC:/photo.jpg,here\n", 1, "file", "absolute"),
    "backslash": ("file,place\nhere\\good 1.jpg,here\n", 1, "file", "backslash"),
    "backslashes up": ("file,place\n..\\..\\secret.jpg,here\n", 1, "file", "backslash"),
    "a link out": ("file,place\nhere/out.jpg,here\n", 1, "file", "leads out"),
    "a mask outside": (f"file,place,mask\n{LINE},../mask.png\n", 1, "mask", "leaves"),
    "an absolute mask": (f"file,place,mask\n{LINE},/mask.png\n", 1, "mask", "absolute"),
    "nan": (f"file,place,lat,lon\n{LINE},nan,139\n", 1, "lat", "finite"),
    "infinite": (f"file,place,lat,lon\n{LINE},35,inf\n", 1, "lon", "finite"),
    "91 degrees": (f"file,place,lat,lon\n{LINE},91,39\n", 1, "lat", "outside"),
    "181 degrees": (f"file,place,lat,lon\n{LINE},35,181\n", 1, "lon", "outside"),
    "null island": (f"file,place,lat,lon\n{LINE},0,0\n", 1, "lat", "without a fix"),
    "swapped": (f"file,place,lat,lon\n{LINE},139.4,35.5\n", 1, "lat", "swapped"),
    "comma decimals": (f'file,place,lat,lon\n{LINE},"35,5","139,4"\n', 1, "lat", "point"),
    "words as degrees": (f"file,place,lat,lon\n{LINE},north,east\n", 1, "lat", "not a number"),
    "half a position": (f"file,place,lat,lon\n{LINE},35,\n", 1, "lon", "both"),
    "a heading of 400": (f"file,place,heading_deg\n{LINE},400\n", 1, "heading_deg", "outside"),
    "a heading in words": (f"file,place,heading_deg\n{LINE},NE\n", 1, "heading_deg", "not a number"),
    "a date in words": (f"file,place,captured_at\n{LINE},yesterday\n", 1, "captured_at", "no date"),
    "month 13": (f"file,place,captured_at\n{LINE},2014-13\n", 1, "captured_at", "no date"),
    "day 31 of June": (f"file,place,captured_at\n{LINE},2014-06-31\n", 1, "captured_at", "no date"),
    "American date": (f"file,place,captured_at\n{LINE},07/09/2014\n", 1, "captured_at", "no date"),
    "an open quote": (f'file,place\n"{LINE}\n', 1, None, "CSV"),
    "a bad place": ("file,place\nhere/good 1.jpg,../x\n", 1, "place", "key"),
    "NUL bytes": ("file,place\nhere/good 1.jpg\0,here\n", 1, None, "NUL"),
    "Latin-1": (f"file,place\n{LINE}\nhere/caf\xe9.jpg,here\n".encode("latin-1"), 2, None, "byte 40 of the file"),
    "Shift JIS": ("file,place\n町田.jpg,here\n".encode("shift_jis"), 1, None, "UTF-8"),
    "UTF-16": (f"file,place\n{LINE}\n".encode("utf-16"), None, None, "UTF-16"),
    "a picture": (jpeg(), None, None, ""),
    "one endless line": (b"x" * 2_000_000, None, None, "megabyte"),
    "broken Parquet": (b"PAR1" + b"x" * 100, None, None, "Parquet"),
}  # fmt: skip


@pytest.mark.parametrize("wrong", TABLES)
def test_a_wrong_table_is_refused_before_anything_is_imported(wrong, project, photos, tmp_path, rows):
    content, row, column, part = TABLES[wrong]
    (tmp_path / "secret.jpg").write_bytes(jpeg())
    (photos / "here/out.jpg").symlink_to(tmp_path / "secret.jpg")
    table = tmp_path / "table.csv"
    table.write_bytes(content if isinstance(content, bytes) else content.encode())
    with pytest.raises(TableError) as caught:
        import_photos(project, project.config(), photos, table=table)
    assert (caught.value.row, caught.value.column) == (row, column)
    assert part in str(caught.value)
    assert "table.csv" in str(caught.value)
    assert rows(project) == {}


def test_a_table_that_is_not_there(project, photos, tmp_path):
    with pytest.raises(TableError, match="cannot be read"):
        import_photos(project, project.config(), photos, table=tmp_path / "none.csv")


@pytest.mark.parametrize(
    "file", ["here/none.jpg", "here/" + "x" * 300 + ".jpg", "here", "here/loop.jpg", "good 1.jpg/x.jpg"]
)
def test_a_row_without_a_file_fails_and_the_others_arrive(file, project, photos, tmp_path, rows):
    (photos / "here/loop.jpg").symlink_to(photos / "here/loop.jpg")
    table = tmp_path / "table.csv"
    table.write_text("file,place\n" + f"{file},here\n" + "".join(f"{name},{name[:4]}\n" for name in GOOD[:2]))
    report = import_photos(project, project.config(), photos, table=table)
    assert (report.added, report.failed) == (2, 1)
    row = rows(project)[file]
    assert (row.state, row.reason.partition(":")[0]) in {
        ("failed", "missing-file"),
        ("failed", "unreadable-file"),
        ("failed", "not-a-file"),
    }


# --- masks ---------------------------------------------------------------------------------------------------

LEGEND = {"regions": {"1": "building", "2": "road"}, "unlabelled": [0]}


def mask_png(size=(160, 120), value=1, mode="L"):
    image = Image.new("L", size, value)
    return saved(image.convert(mode) if mode != "L" else image, "PNG")


MASKS = {  # what is wrong: (bytes, code)
    "another shape": (mask_png((120, 160)), "mask-size"),
    "a thumbnail": (mask_png((4, 3)), "mask-size"),
    "colours": (mask_png(mode="RGB"), "mask-not-numbers"),
    "clear colours": (mask_png(mode="RGBA"), "mask-not-numbers"),
    "a jpeg": (jpeg(), "mask-not-png"),
    "no picture": (b"nothing", "mask-not-an-image"),
    "no bytes": (b"", "mask-empty-file"),
    "cut short": (saved(noise().quantize(200), "PNG")[:2000], "mask-undecodable"),
    "a bomb": (png_header(60_000, 45_000, 8, 0), "mask-too-many-pixels"),
    "above 255": (
        saved(Image.fromarray(np.full((120, 160), 999, np.uint16)), "PNG"),
        "mask-not-numbers",
    ),
    "moving": (frames("PNG"), "mask-animated"),
}


@pytest.mark.parametrize("wrong", MASKS)
def test_a_wrong_mask_is_refused_and_its_photo_stays(wrong, project, photos, tmp_path, rows):
    data, code = MASKS[wrong]
    masks = tmp_path / "masks"
    (masks / "here").mkdir(parents=True)
    (masks / "regions.json").write_text(json.dumps(LEGEND))
    (masks / "here/good 1.png").write_bytes(data)
    (masks / "here/good 2.png").write_bytes(mask_png())
    report = import_photos(project, project.config(), photos, masks=masks)
    assert (report.added, report.masks) == (4, 1)
    assert any(f"1 masks were refused, their photos stay: {code} 1" in note for note in report.notes)
    assert rows(project)["here/good 1.jpg"].mask is None
    assert rows(project)["here/good 2.jpg"].mask is not None


LEGENDS = {
    "none": None,
    "no JSON": "{regions",
    "a list": "[1, 2]",
    "no regions": "{}",
    "empty": '{"regions": {}}',
    "a list of regions": '{"regions": ["a"]}',
    "a word as number": '{"regions": {"one": "a"}}',
    "256": '{"regions": {"256": "a"}}',
    "negative": '{"regions": {"-1": "a"}}',
    "an empty name": '{"regions": {"1": " "}}',
    "a number as name": '{"regions": {"1": 5}}',
    "a name twice": '{"regions": {"1": "a", "2": "a"}}',
    "a number twice": '{"regions": {"1": "a", "01": "b"}}',
    "unlabelled is no list": '{"regions": {"1": "a"}, "unlabelled": 0}',
    "unlabelled is true": '{"regions": {"1": "a"}, "unlabelled": [true]}',
    "unlabelled is a half": '{"regions": {"1": "a"}, "unlabelled": [0.5]}',
    "not UTF-8": b'{"regions": {"1": "\xff"}}',
    "too deep": "[" * 100_000,
}


@pytest.mark.parametrize("wrong", LEGENDS)
def test_a_wrong_legend_is_refused_before_anything_is_imported(wrong, project, photos, tmp_path, rows):
    masks = tmp_path / "deep/masks"
    masks.mkdir(parents=True)
    content = LEGENDS[wrong]
    if content is not None:
        (masks / "regions.json").write_bytes(content if isinstance(content, bytes) else content.encode())
    with pytest.raises(InputError, match=r"regions\.json"):
        import_photos(project, project.config(), photos, masks=masks)
    assert rows(project) == {}


def test_a_folder_of_photos_that_is_not_there(project, tmp_path):
    with pytest.raises(InputError, match="cannot be read"):
        import_photos(project, project.config(), tmp_path / "none")


def test_a_file_instead_of_a_folder(project, photos):
    with pytest.raises(InputError, match="cannot be read as a folder"):
        import_photos(project, project.config(), photos / GOOD[0])


def test_masks_that_are_no_folder(project, photos, tmp_path):
    with pytest.raises(InputError, match="no folder of masks"):
        import_photos(project, project.config(), photos, masks=tmp_path / "none")


def test_all_at_once(project, photos, rows):
    """One folder with everything that is wrong: nobody's fate depends on a neighbour."""
    for name, (data, _, _) in FILES.items():
        (photos / "there" / name).write_bytes(data)
    report = import_photos(project, project.config(), photos)
    found = rows(project)
    assert len(found) == 4 + len(FILES)
    for name, (_, state, _) in FILES.items():
        assert state in {None, found[f"there/{name}"].state}
    again = import_photos(project, project.config(), photos)
    assert (again.added, again.failed, again.rejected) == (0, report.failed, report.rejected - 3)
    assert rows(project) == found


def test_no_case_ends_in_another_kind_of_error():
    assert issubclass(TableError, MachinamiError)
    assert len(FILES) + len(NAMES) + len(TABLES) + len(MASKS) + len(LEGENDS) > 140
