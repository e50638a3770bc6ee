"""The contact sheet: every photo that `check` took out, or an even sample of them, to be judged by eye in a minute."""

import base64
import io
import json
import shlex
from collections.abc import Iterator
from dataclasses import dataclass, replace

import jinja2
from PIL import Image

from machinami import __version__
from machinami.catalog import Catalog, Photo
from machinami.check.marks import OPINIONS
from machinami.check.report import CheckReport
from machinami.files import digest_json, write_text
from machinami.images.decode import PhotoError, decode_photo
from machinami.project import Project

__all__ = ["MOST_SHOWN", "write_sheet"]

MOST_SHOWN = 200  # of one reason
_SHORTER_SIDE_PX = 150
_LONGEST_PX = 300
_QUALITY = 60

_MEANINGS = {
    "too-small": "The shorter side has fewer pixels than min_side_px.",
    "placeholder": "Nearly all of the picture is one grey, as in cards that say that there is no imagery.",
    "exact-duplicate": "The same pixels as another photo of this place, which stays.",
    "near-duplicate": "Nearly the same picture as another photo of this place, which stays.",
    "label-conflict": "The same picture, or nearly, stands in two places: nobody knows which is right, so none stays.",
    "dark": "Even the brightest twentieth of the picture is dark.",
    "overexposed": "Most of the picture is white.",
    "cut-short": "From one edge on the picture is a single colour or a repeated row, as files are that were cut short.",
    "little-information": "Hardly any difference in brightness: fog, a wall, a covered lens.",
    "blurred": "Out of focus or moved, also at the size that a network sees.",
    "uncut-sphere": "A whole 360° photo: cut flat views out of it before it is imported.",
    "portrait": "Much taller than wide: the square that a network sees would squeeze it.",
    "overlay": "A large part is the same in all photos of this sequence or creator: a dashboard, a bonnet, a hand.",
    "indoor": "The bundled network sees things that belong in rooms. A weak sign: look before you believe it.",
    "third-party": "Street View shows a photo by one of its users here, which may be indoors or made up.",
}
_OTHER = "The file is missing, changed or cannot be read: put it back, or import it again."


@dataclass(frozen=True, slots=True, kw_only=True)
class Shot:
    """One photo on the sheet."""

    photo_id: int
    place: str | None
    details: str
    credit: str | None
    picture: str | None = None  # data URI
    width: int = 0
    height: int = 0
    absent: str = ""  # why there is no picture


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """All photos with one reason."""

    reason: str
    meaning: str
    photos: int
    by_place: dict[str, int]
    shots: list[Shot]
    command: str | None  # that takes the marks of those shown back


def write_sheet(project: Project, catalog: Catalog, report: CheckReport, *, max_pixels: int) -> None:
    """Write the sheet: one file that asks nothing of the network. Where it would say the same again, it stays.

    Of a reason with more than 200 photos, 200 are shown: numbers 0, n/200, 2n/200 … of the n, by photo_id.
    """
    chosen = {reason: list(_sampled(catalog, reason, photos)) for reason, photos in report.marked.items()}
    hidden = _hidden_sources(catalog)
    rows = [
        [(p.photo_id, p.place, p.reason, p.score, p.sha256, p.file, p.attribution, p.source in hidden) for p in photos]
        for photos in chosen.values()
    ]
    digest = digest_json([__version__, rows, report.kept, report.marked_by_place, report.notes, str(project.root)])
    if _is_current(project, digest):
        return
    groups = [_group(project, report, reason, photos, hidden, max_pixels) for reason, photos in chosen.items()]
    places = sorted(report.marked_by_place)
    marked = sum(report.marked.values())
    page = _template().render(
        digest=digest,
        project=project.root.absolute().name,
        title=_title(marked),
        kept=f"{_photos(report.kept)} {'stays' if report.kept == 1 else 'stay'}.",
        notes=report.notes,
        groups=groups,
        places=places,
        sums={place: sum(report.marked_by_place[place].values()) for place in places},
    )
    write_text(project.rejected_file, page)


def _title(marked: int) -> str:
    return f"{_photos(marked)} {'was' if marked == 1 else 'were'} taken out" if marked else "No photo was taken out"


def _photos(count: int) -> str:
    return "1 photo" if count == 1 else f"{count} photos"


def _is_current(project: Project, digest: str) -> bool:
    try:
        with project.rejected_file.open(encoding="utf-8") as file:
            return f'<meta name="digest" content="{digest}">' in file.read(1000)
    except (OSError, UnicodeDecodeError):
        return False


def _sampled(catalog: Catalog, reason: str, photos: int) -> Iterator[Photo]:
    shown = min(photos, MOST_SHOWN)
    wanted = {number * photos // shown for number in range(shown)}
    return (photo for number, photo in enumerate(catalog.marked("check", reason)) if number in wanted)


def _hidden_sources(catalog: Catalog) -> frozenset[str]:
    """Sources whose terms do not allow that their photos are shown."""
    terms = {name.partition(":")[2]: json.loads(told) for name, told in catalog.facts("terms:").items()}
    return frozenset(source for source, told in terms.items() if not told.get("may_be_shown", True))


def _group(
    project: Project, report: CheckReport, reason: str, photos: list[Photo], hidden: frozenset[str], max_pixels: int
) -> Group:
    ids = " ".join(f"--restore {photo.photo_id}" for photo in photos[:3])
    more = " …" if len(photos) > 3 else ""
    return Group(
        reason=reason,
        meaning=_MEANINGS.get(reason, _OTHER),
        photos=report.marked[reason],
        by_place={place: counts[reason] for place, counts in report.marked_by_place.items() if reason in counts},
        shots=[_shot(project, photo, hidden, max_pixels) for photo in photos],
        command=f"machinami check {shlex.quote(str(project.root))} {ids}{more}" if reason in OPINIONS else None,
    )


def _shot(project: Project, photo: Photo, hidden: frozenset[str], max_pixels: int) -> Shot:
    shot = Shot(
        photo_id=photo.photo_id,
        place=photo.place,
        details=(photo.reason or "").partition(": ")[2],
        credit=photo.attribution,
    )
    if photo.source in hidden:
        return replace(shot, absent="Its terms do not allow that it is shown here.")
    try:
        pixels = decode_photo(
            project.path_of(photo.file or ""), max_pixels=max_pixels, shorter_side_px=_SHORTER_SIDE_PX
        )
    except PhotoError as error:
        return replace(shot, absent=error.reason.partition(":")[0])
    image = Image.fromarray(pixels)  # of pixels alone: nothing of the file's EXIF comes along
    image.thumbnail((_LONGEST_PX, _LONGEST_PX))
    file = io.BytesIO()
    image.save(file, "WEBP", quality=_QUALITY, method=4)
    picture = f"data:image/webp;base64,{base64.b64encode(file.getvalue()).decode()}"
    return replace(shot, picture=picture, width=image.width, height=image.height)


def _template() -> jinja2.Template:
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("machinami.check", "templates"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return environment.get_template("rejected.html")
