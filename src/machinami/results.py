"""Whether the results of the stages still lie in the project, whole: a damaged one is made again, not stumbled over."""

from typing import Literal

from machinami.errors import MachinamiError
from machinami.files import digest_file
from machinami.models.card import read_card
from machinami.project import Project

__all__ = ["is_evaluated", "is_explained", "is_refitted", "is_reported", "is_segmented", "is_split", "is_trained"]


def is_split(project: Project) -> bool:
    """Whether split.json can be read."""
    from machinami.split import read_split

    try:
        read_split(project)
    except MachinamiError:
        return False
    return True


def is_trained(project: Project) -> bool:
    """Whether the evaluated network is the one that training left; the other one too, until a refit brings its own."""
    try:
        card = read_card(project.model)
    except MachinamiError:
        return False
    both = card.model["sha256"] == card.evaluated["sha256"]
    return _has_network(project, "evaluated", stage="train") and (not both or _is_there(project, card.model))


def is_refitted(project: Project) -> bool:
    """Whether the network for new photos is the one that the refit left."""
    return _has_network(project, "model", stage="refit")


def _has_network(project: Project, which: Literal["model", "evaluated"], *, stage: str) -> bool:
    try:
        facts: dict[str, str] = getattr(read_card(project.model), which)
    except MachinamiError:
        return False
    last = project.last_done(stage)
    return last is not None and last.get("model") == facts["sha256"] and _is_there(project, facts)


def _is_there(project: Project, facts: dict[str, str]) -> bool:
    try:
        return digest_file(project.model / facts["file"]) == facts["sha256"]
    except OSError:
        return False


def is_evaluated(project: Project) -> bool:
    """Whether figures and predictions can be read, and the card has figures, which training again takes away."""
    from machinami.evaluate.predictions import read_predictions
    from machinami.report.data import read_scores

    try:
        places = read_scores(project, {}).places
        predictions = read_predictions(project.predictions)
        return read_card(project.model).figures is not None and set(predictions.places) == {p.key for p in places}
    except MachinamiError:
        return False


def is_segmented(project: Project) -> bool:
    """Whether the folder of the last segmenter's masks is there, where it made any."""
    last = project.last_done("masks")
    if last is None:
        return False
    return not (last.get("made") or last.get("there")) or (project.masks / str(last.get("folder"))).is_dir()


def is_explained(project: Project) -> bool:
    """Whether heatmaps of all photos, what follows from them, and the pictures are there."""
    from machinami.explain.gallery import has_gallery
    from machinami.explain.heatmap_files import read_heatmaps
    from machinami.report.data import read_attention

    last = project.last_done("explain")
    try:
        photos = sum(len(part.photo_id) for part in read_heatmaps(project.explanations / "heatmaps"))
        attention, places = read_attention(project), read_card(project.model).keys
    except MachinamiError:
        return False
    whole = attention is not None and last is not None and photos == last.get("photos")
    told = last is not None and (not last.get("knockout") or (project.explanations / "knockout.json").is_file())
    return whole and told and has_gallery(project.explanations / "pictures", places)


def is_reported(project: Project) -> bool:
    """Whether report.html is there, as long as it was written."""
    last = project.last_done("report")
    file = project.report_file
    return last is not None and file.is_file() and file.stat().st_size == last.get("bytes")
