"""Decoding photos that nobody vouches for: the header first, then the pixels, and a reason for every failure."""

import hashlib
import io
import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import Literal

import numpy as np
import numpy.typing as npt
from PIL import Image, UnidentifiedImageError

from machinami.errors import InputError

__all__ = [
    "SUFFIXES",
    "PhotoError",
    "copy_photo",
    "decode_photo",
    "digest_photo",
    "name_of",
    "open_photo",
    "read_orientation",
    "to_rgb",
]

Pixels = npt.NDArray[np.uint8]

# What Pillow may try, and the suffix that each gets in the project. MPO is JPEG with a second view behind it.
SUFFIXES = {
    "JPEG": ".jpg",
    "MPO": ".jpg",
    "PNG": ".png",
    "WEBP": ".webp",
    "TIFF": ".tif",
    "BMP": ".bmp",
    "GIF": ".gif",
    "AVIF": ".avif",
}
_FORMATS = [name for name in SUFFIXES if name != "MPO"]  # which the JPEG reader finds by itself
_REJECTED = ("animated", "forgotten", "partial-sphere", "too-many-pixels", "too-small")
_ORIENTATION = 0x0112
_TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
# Everything that Pillow's readers have been seen to raise on broken bytes.
BROKEN = (
    OSError, SyntaxError, ValueError, TypeError, KeyError, IndexError, AttributeError, EOFError, OverflowError,
    ZeroDivisionError, RuntimeError, AssertionError, MemoryError,
)  # fmt: skip
_quiet = threading.Lock()  # warnings.catch_warnings is not for several threads at once


class PhotoError(InputError):
    """A photo that cannot be used; `reason` is "code" or "code: details", as it stands in the catalogue."""

    def __init__(self, name: str, reason: str) -> None:
        super().__init__(f"{name}: {reason}")
        self.reason = reason

    @property
    def state(self) -> Literal["rejected", "failed"]:
        """Rejected: a whole picture that breaks a rule. Failed: nothing that can be read."""
        return "rejected" if self.reason.partition(":")[0] in _REJECTED else "failed"


def decode_photo(source: Path | bytes, *, max_pixels: int, shorter_side_px: int | None = None) -> Pixels:
    """The picture, upright: uint8 (H, W, 3), RGB.

    The EXIF orientation is applied. Grey, palette, CMYK and 16-bit pictures become 8-bit RGB; transparent parts
    show white. With `shorter_side_px` a larger photo is reduced so that its shorter side has exactly that many
    pixels (a JPEG is decoded at a fraction of its size, which is several times faster); smaller ones stay.
    Raises PhotoError: missing-file, unreadable-file, not-a-file, empty-file, not-an-image, unsupported-format,
    animated, too-many-pixels (of the header, before anything is decoded; Pillow's own limit of 178 956 970 holds
    too), undecodable.
    """
    with open_photo(source, max_pixels=max_pixels) as image:
        return to_rgb(image, name=name_of(source), shorter_side_px=shorter_side_px)


@contextmanager
def open_photo(source: Path | bytes, *, max_pixels: int) -> Iterator[Image.Image]:
    """The picture with its header read and judged, its pixels not yet decoded. Raises PhotoError."""
    name = name_of(source)
    file = io.BytesIO(source) if isinstance(source, bytes) else _open_file(source)
    with file:
        head = file.read(32)
        if not head:
            raise PhotoError(name, "empty-file")
        file.seek(0)
        image = _open_header(file, head, name)
        with image:
            pixels = image.width * image.height
            if pixels > max_pixels:
                size = f"{image.width} × {image.height}"
                raise PhotoError(name, f"too-many-pixels: {size} is more than {max_pixels}")
            if pixels <= 0:
                raise PhotoError(name, "undecodable: the picture has no pixels")
            yield image


def digest_photo(path: Path) -> str:
    """The file's SHA-256, in hexadecimal. Raises PhotoError where it cannot be read."""
    try:
        with _open_file(path) as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise PhotoError(str(path), f"unreadable-file: {_why(error)}") from error


def copy_photo(path: Path, target: Path) -> str:
    """Copy the file's bytes over `target`; the SHA-256 of what was copied. Raises PhotoError as `digest_photo`."""
    digest = hashlib.sha256()
    with _open_file(path) as file, target.open("wb") as copy:
        while block := _read_block(file, path):
            digest.update(block)
            copy.write(block)
    return digest.hexdigest()


def _read_block(file: io.BufferedReader, path: Path) -> bytes:
    try:
        return file.read(1 << 20)
    except OSError as error:
        raise PhotoError(str(path), f"unreadable-file: {_why(error)}") from error


def to_rgb(image: Image.Image, *, name: str, shorter_side_px: int | None = None) -> Pixels:
    """The pixels of an opened picture as `decode_photo` gives them. Raises PhotoError."""
    try:
        if shorter_side_px is not None:
            image.draft("RGB", _reduced_size(image, shorter_side_px))
        with quiet() if image.format == "TIFF" else nullcontext():  # which reads its tags again, and warns again
            image.load()
        turn = _TURNS.get(read_orientation(image))
        picture = _as_rgb(image)
        if shorter_side_px is not None:
            picture = picture.resize(_reduced_size(picture, shorter_side_px), Image.Resampling.BICUBIC)
        if turn is not None:
            picture = picture.transpose(turn)
        return np.array(picture)  # a copy that may be written to
    except BROKEN as error:
        raise PhotoError(name, f"undecodable: {one_line(error)}") from error


def read_orientation(image: Image.Image) -> int:
    """The EXIF orientation, 1 … 8; 1 where there is none that can be read."""
    try:
        with quiet():
            value = image.getexif().get(_ORIENTATION, 1)
    except BROKEN:
        return 1  # broken EXIF says nothing; the picture itself may be fine
    return value if isinstance(value, int) and 1 <= value <= 8 else 1


@contextmanager
def quiet() -> Iterator[None]:
    """Pillow warns of odd headers; what matters of it becomes a reason, so nothing is shown."""
    with _quiet, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


def one_line(error: BaseException) -> str:
    """An exception's text, short and on one line, for a reason."""
    text = " ".join(str(error).split()) or type(error).__name__
    return text if len(text) <= 160 else text[:159] + "…"


def name_of(source: Path | bytes) -> str:
    """What a message calls it."""
    return "the picture" if isinstance(source, bytes) else str(source)


def _open_file(path: Path) -> io.BufferedReader:
    """The opened file; only regular ones, since reading a pipe could wait for ever."""
    try:
        if path.is_file():
            return path.open("rb")
        problem = "not-a-file" if path.exists() else "missing-file"
    except (OSError, ValueError) as error:
        raise PhotoError(str(path), f"unreadable-file: {_why(error)}") from error
    raise PhotoError(str(path), problem)


def _why(error: OSError | ValueError) -> str:
    return error.strerror or one_line(error) if isinstance(error, OSError) else one_line(error)


def _open_header(file: io.BufferedReader | io.BytesIO, head: bytes, name: str) -> Image.Image:
    try:
        with quiet():
            image = Image.open(file, formats=_FORMATS)
            frames = getattr(image, "n_frames", 1)
    except Image.DecompressionBombError as error:
        raise PhotoError(name, f"too-many-pixels: {one_line(error)}") from error
    except UnidentifiedImageError as error:
        raise PhotoError(name, _unknown_format(head)) from error
    except BROKEN as error:
        raise PhotoError(name, f"undecodable: {one_line(error)}") from error
    if frames != 1 and image.format != "MPO":
        image.close()
        raise PhotoError(name, f"animated: {frames} pictures in one file")
    return image


def _unknown_format(head: bytes) -> str:
    """Why Pillow knows no such picture, told from its first bytes."""
    if head[4:8] == b"ftyp" and head[8:12] in {b"heic", b"heix", b"hevc", b"mif1", b"msf1", b"heim", b"heis"}:
        return "unsupported-format: HEIC; save the photo as JPEG"
    if head[4:12] in {b"ftypavif", b"ftypavis"} or (head[:4], head[8:12]) == (b"RIFF", b"WEBP"):
        return "undecodable: the header is broken or cut short"
    if head[4:8] == b"ftyp" or head[:4] == b"\x1aE\xdf\xa3":
        return "unsupported-format: a film"
    if head[:4] == b"%PDF":
        return "unsupported-format: PDF"
    if head[:3] == b"\xff\xd8\xff" or head[:8] == b"\x89PNG\r\n\x1a\n":
        return "undecodable: the header is broken or cut short"
    return "not-an-image"


def _reduced_size(image: Image.Image, shorter_side_px: int) -> tuple[int, int]:
    scale = min(1.0, shorter_side_px / min(image.size))
    return max(1, round(image.width * scale)), max(1, round(image.height * scale))


def _as_rgb(image: Image.Image) -> Image.Image:
    """The same picture in 8-bit RGB."""
    if image.mode == "RGB":
        return image
    if image.mode.startswith("I"):  # 16 bits a pixel; "I" is what older writers of such files give
        levels = np.asarray(image)
        return Image.fromarray((np.clip(levels, 0, 65535) >> 8).astype(np.uint8)).convert("RGB")
    if image.mode == "F":
        raise ValueError("floating-point pixels have no known white")
    if image.mode in {"LA", "PA", "La", "RGBA", "RGBa"} or "transparency" in image.info:
        clear = image.convert("RGBA")
        white = Image.new("RGBA", clear.size, "white")
        return Image.alpha_composite(white, clear).convert("RGB")
    return image.convert("RGB")
