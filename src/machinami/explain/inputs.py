"""What the explanations are made from, as one digest; needs no network to be loaded."""

from dataclasses import asdict

from machinami.config import Config
from machinami.files import digest_file, digest_json
from machinami.project import Project

__all__ = ["explain_inputs"]


def explain_inputs(project: Project, config: Config) -> str:
    """The digest of all that the explanations depend on: settings, split, model, photos and masks."""
    with project.catalog() as catalog:
        photos = catalog.digest("photo_id", "place", "pixels_sha256", "mask_sha256")
        regions = catalog.fact("regions")
    weights, split = project.model / "evaluated.safetensors", project.split_file
    return digest_json(
        {
            "explain": asdict(config.explain),
            "interval": [config.evaluate.draws, config.evaluate.level, config.seed],
            "split": digest_file(split) if split.is_file() else None,
            "model": digest_file(weights) if weights.is_file() else None,
            "photos": photos,
            "regions": regions,
        }
    )
