"""The explain stage: heatmaps of the held-out photos, what they say about regions, and some pictures."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from machinami.config import Config
from machinami.errors import NotReady
from machinami.explain.attention import AttentionSettings, table_of_sums
from machinami.explain.attention_sums import AttentionSums
from machinami.explain.causes import write_knockout
from machinami.explain.choice import choose_photos
from machinami.explain.gallery import photo_reader, write_gallery
from machinami.explain.heatmap_files import write_heatmaps
from machinami.explain.held_out import Findings, HeldOut
from machinami.explain.inputs import explain_inputs
from machinami.explain.null_tables import gathering_nulls, with_nulls
from machinami.explain.region_masks import open_masks
from machinami.files import write_json
from machinami.models import load_model
from machinami.models.device import resolve_device
from machinami.models.folding import fold_batch_norm
from machinami.progress import Progress, silent
from machinami.project import Project
from machinami.split import kept_photos, read_split
from machinami.train.inputs import trained_card

__all__ = ["ExplainReport", "explain_inputs", "explain_project"]


@dataclass(frozen=True, slots=True, kw_only=True)
class ExplainReport:
    """What was explained."""

    photos: int  # held-out photos with a heatmap
    blocks: int
    method: str
    layer: str
    closed_form: bool  # whether the maps come from the head's weights, with no backward pass
    complete: bool  # whether every map sums to its score; LayerCAM's and Grad-CAM++'s do not
    completeness_max: float  # logits: the largest |sum of a map + bias − logit|
    masks: Mapping[str, int]  # photos with a mask that was read, and those without, by reason
    pictures: int
    unreadable: tuple[tuple[str, str], ...]  # file, reason
    attention: Mapping[str, Any]  # the content of attention.json
    knockout: Mapping[str, Any] | None  # the content of knockout.json; None where nothing was blanked out


def explain_project(
    project: Project, config: Config, *, progress: Progress = silent, device: str = "auto"
) -> ExplainReport:
    """Heatmaps of the test photos by the model that the figures are of, attention.json, and pictures.

    Writes explanations/heatmaps/part-*.npz, explanations/attention.json (with the regions that `regions.source` asks
    for), explanations/knockout.json (where there are regions) and explanations/pictures/. Raises NotReady without a
    split or a model, or where the catalogue no longer matches the split; InputError where no test photo can be read;
    ModelError for a layer that the network lacks.
    """
    with project.stage("explain", inputs=explain_inputs(project, config), config=config) as run:
        report = _write(project, _held_out(project, config, device), progress)
        run.notes |= {
            "photos": report.photos,
            "completeness_max": report.completeness_max,
            "masks": dict(report.masks),
            "unreadable": len(report.unreadable),
            "knockout": report.knockout is not None,
        }
    return report


def _held_out(project: Project, config: Config, device: str) -> HeldOut:
    """The test photos, with the model that the figures are of."""
    split, _ = read_split(project), trained_card(project)
    model = load_model(project.model, which="evaluated")
    if model.card.split_digest and model.card.split_digest != split.digest:
        raise NotReady("the model learned from another split", command=f"machinami train {project.root}")
    photos = kept_photos(project, split, ("test",))
    if config.regions.source == "segmenter" and project.last_done("masks") is None:
        raise NotReady("the segmenter has made no masks yet", command=f"machinami masks {project.root} --segment")
    with project.catalog() as catalog:
        masks = open_masks(catalog, config, path_of=project.path_of)
    return HeldOut(
        model=model,
        network=fold_batch_norm(model.network, size_px=model.card.image_size).to(resolve_device(device)),
        config=config,
        photos=photos,
        masks=masks,
        block_of=split.block_of(),
        read=photo_reader(project.path_of, max_pixels=config.check.max_pixels),
    )


def _write(project: Project, held_out: HeldOut, progress: Progress) -> ExplainReport:
    """Heatmaps first, then what is made from them; attention.json comes last."""
    config, keys, folder = held_out.config, held_out.model.card.keys, project.explanations
    settings = _settings(config)
    with gathering_nulls(held_out, settings, project.cache) as nulls:
        found = Findings(AttentionSums(settings.min_area), nulls)
        write_heatmaps(folder / "heatmaps", held_out.explain(found, progress))
        attention = _attention(found, held_out, settings, progress)
    pictures = write_gallery(
        folder / "pictures",
        choose_photos(found.candidates, places=len(keys), at_most=config.explain.pictures),
        heatmaps=folder / "heatmaps",
        photos={photo.photo_id: photo for photo in held_out.photos},
        read_photo=held_out.read,
        places=keys,
    )
    knockout = write_knockout(folder / "knockout.json", held_out, found.candidates, attention, settings, progress)
    write_json(folder / "attention.json", attention)
    return ExplainReport(
        photos=len(found.candidates),
        blocks=len({candidate.block for candidate in found.candidates}),
        method=config.explain.method,
        layer=found.layer,
        closed_form=found.closed_form,
        complete=found.complete,
        completeness_max=found.completeness_max,
        masks=dict(found.masks),
        pictures=pictures,
        unreadable=tuple(found.unreadable),
        attention=attention,
        knockout=knockout,
    )


def _settings(config: Config) -> AttentionSettings:
    return AttentionSettings(
        min_area=config.explain.min_area,
        min_photos=config.explain.min_photos,
        draws=config.evaluate.draws,
        level=config.evaluate.level,
        seed=config.seed,
    )


def _attention(found: Findings, held_out: HeldOut, settings: AttentionSettings, progress: Progress) -> dict[str, Any]:
    """The content of attention.json."""
    names = held_out.masks.regions.names if held_out.masks.regions is not None else ()
    table = table_of_sums(found.sums, places=held_out.model.card.keys, regions=names, settings=settings)
    return {
        "method": held_out.config.explain.method,
        "layer": found.layer,
        "map": "class-centred",
        **with_nulls(table, found, held_out, settings, progress),
        "masks": dict(found.masks),
        "masks_from": dict(sorted(found.masks_from.items())),
        "completeness_max": found.completeness_max,
        "branded": held_out.model.card.branded,
    }
