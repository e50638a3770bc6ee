"""The report stage: from the project's files to report.html, the same bytes for the same files."""

from dataclasses import asdict, dataclass

from machinami import __version__
from machinami.config import Config
from machinami.files import digest_file, digest_json, write_bytes
from machinami.progress import Progress, silent
from machinami.project import Project
from machinami.report.data import read_report_data
from machinami.report.gallery import make_gallery
from machinami.report.page import render_page
from machinami.report.sentences import findings

__all__ = ["ReportResult", "build_report", "findings_of", "report_inputs"]

_PARTS = (
    "model/card.json",
    "split.json",
    "evaluation.json",
    "explanations/attention.json",
    "explanations/knockout.json",
    "explanations/pictures/pictures.json",
)
_PATTERNS = ("predictions/part-*.parquet", "explanations/heatmaps/part-*.npz")


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportResult:
    """What was written."""

    path: str  # of report.html
    bytes: int
    sentences: tuple[str, ...]  # the findings, in English
    photos: int  # shown


def report_inputs(project: Project, config: Config) -> str:
    """The digest of all that the report depends on: settings, catalogue, and the files of the earlier stages."""
    present = [project.root / name for name in _PARTS if (project.root / name).is_file()]
    for pattern in _PATTERNS:
        present += sorted(project.root.glob(pattern))
    with project.catalog() as catalog:
        columns = ("photo_id", "place", "lat", "lon", "heading_deg", "captured_at", "creator", "licence")
        photos = catalog.digest(*columns, "attribution", "page_url", "source", "source_id", "file", "pixels_sha256")
        counts = catalog.counts()
        areas = {key: area["digest"] for key, area in catalog.areas().items()}
        terms = catalog.facts("terms:")
    return digest_json(
        {
            "version": __version__,
            "config": asdict(config),
            "files": {str(path.relative_to(project.root)): digest_file(path) for path in present},
            "photos": photos,
            "counts": counts,
            "areas": areas,
            "terms": terms,
        }
    )


def build_report(project: Project, config: Config, *, progress: Progress = silent) -> ReportResult:
    """Writes report.html: one file that asks nothing of the network.

    Raises NotReady where the project is not evaluated yet, ProjectError for a damaged file.
    """
    with project.stage("report", inputs=report_inputs(project, config), config=config) as run:
        data = read_report_data(project, config)
        gallery = make_gallery(project, config, data, progress=progress)
        page = render_page(data, gallery).encode()
        write_bytes(project.report_file, page)
        run.notes |= {"bytes": len(page), "pictures": len(gallery.shots)}
    return ReportResult(
        path=str(project.report_file),
        bytes=len(page),
        sentences=tuple(findings(data)),
        photos=len(gallery.shots),
    )


def findings_of(project: Project) -> list[str]:
    """The findings in sentences, in English. Raises NotReady where the project is not evaluated yet."""
    return findings(read_report_data(project, project.config()))
