"""Digests of what the trained models and their figures depend on; read without torch, so that `status` is quick."""

from dataclasses import asdict, replace
from pathlib import Path

from machinami.config import Config, TrainConfig
from machinami.errors import NotReady
from machinami.files import digest_file, digest_json
from machinami.models.card import Card, read_card
from machinami.project import Project
from machinami.split import read_split

__all__ = ["evaluate_inputs", "refit_inputs", "resolve_weights", "train_inputs", "trained_card"]


_HOW_TAKEN = (  # what the baseline of metadata looks at
    "captured_at", "captured_precision", "camera_make", "camera_model", "heading_deg", "source", "creator", "sequence",
    "width", "height",
)  # fmt: skip


def train_inputs(project: Project, config: Config) -> str:
    """Split, photos, keys of places (not their labels), settings and seed. Raises NotReady without a split."""
    with project.catalog() as catalog:
        photos = catalog.digest("photo_id", "place", "sha256")
    places = [place.key for place in config.places]
    file = Path(resolve_weights(project, config.train).weights)
    weights = digest_file(file) if file.is_file() else None
    return digest_json([read_split(project).digest, asdict(config.train), weights, config.seed, places, photos])


def trained_card(project: Project) -> Card:
    """The card of the project's model. Raises NotReady where nothing was trained yet, ModelError for a damaged one."""
    if not (project.model / "card.json").is_file():
        raise NotReady(f"{project.root} has no model yet", command=f"machinami train {project.root}")
    return read_card(project.model)


def evaluate_inputs(project: Project, config: Config) -> str:
    """The evaluated network, the split, and how intervals are drawn. Raises NotReady and ModelError."""
    card = trained_card(project)
    split = read_split(project).digest
    with project.catalog() as catalog:
        taken = catalog.digest("photo_id", *_HOW_TAKEN)
    return digest_json([card.evaluated["sha256"], card.temperature, split, asdict(config.evaluate), config.seed, taken])


def refit_inputs(project: Project, config: Config) -> str:
    """What the evaluated network was trained from, and the network itself. Raises NotReady and ModelError."""
    return digest_json([train_inputs(project, config), trained_card(project).evaluated["sha256"]])


def resolve_weights(project: Project, settings: TrainConfig) -> TrainConfig:
    """The settings with a weights file named from the project folder, as machinami.toml means it."""
    if settings.weights in ("", "random"):
        return settings
    return replace(settings, weights=str(project.root / settings.weights))
