"""What the explanations, and a segmenter's masks, are made from, each as one digest; loads neither network."""

from dataclasses import asdict
from pathlib import Path

from machinami.config import Config
from machinami.errors import WeightsError
from machinami.explain.regions import SEGMENTER
from machinami.files import digest_file, digest_json
from machinami.project import Project

__all__ = ["explain_inputs", "find_folder", "segment_inputs"]


def explain_inputs(project: Project, config: Config) -> str:
    """The digest of all that the explanations depend on: settings, split, model, photos and masks."""
    with project.catalog() as catalog:
        photos = catalog.digest("photo_id", "place", "pixels_sha256", "mask_sha256")
        regions = {"": catalog.fact("regions"), **catalog.facts(SEGMENTER)}
    weights, split = project.model / "evaluated.safetensors", project.split_file
    return digest_json(
        {
            "explain": asdict(config.explain),
            "interval": [config.evaluate.draws, config.evaluate.level, config.seed],
            "split": digest_file(split) if split.is_file() else None,
            "model": digest_file(weights) if weights.is_file() else None,
            "photos": photos,
            "regions": regions,
            "regions_from": config.regions.source,
        }
    )


def segment_inputs(project: Project, config: Config) -> str:
    """The digest of what a segmenter's masks depend on: its settings, the files of a folder, and the photos."""
    settings = config.regions
    folder = find_folder(settings.model, project.root)
    files = [] if folder is None else sorted([*folder.glob("*.json"), *folder.glob("*.safetensors")])
    with project.catalog() as catalog:
        photos = catalog.digest("photo_id", "sha256")
    return digest_json(
        {
            "model": [settings.model, settings.revision, settings.size_px],
            "files": [[file.name, digest_file(file)] for file in files],
            "photos": photos,
        }
    )


def find_folder(model: str, root: Path) -> Path | None:
    """The folder that `model` names, below `root` where it is relative; None for a name on the hub.

    Raises WeightsError for what can only be a folder and is not there.
    """
    folder = root / Path(model).expanduser()
    if folder.is_dir():
        return folder.resolve()
    if model.startswith((".", "/", "~")) or "\\" in model or model.count("/") > 1:
        raise WeightsError(f"the folder {model} of the segmenter does not exist: correct regions.model")
    return None
