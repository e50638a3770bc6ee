"""Every setting, one frozen dataclass a stage. The defaults are the advice."""

from dataclasses import dataclass, field
from datetime import date
from typing import Any, Literal

__all__ = [
    "AreaConfig",
    "AreasConfig",
    "BudgetConfig",
    "CheckConfig",
    "CollectConfig",
    "Config",
    "EvaluateConfig",
    "ExplainConfig",
    "MetadataColumn",
    "PlaceConfig",
    "RegionsConfig",
    "SamplingConfig",
    "SourceConfig",
    "SplitConfig",
    "TownConfig",
    "TrainConfig",
]


def setting(default: Any, comment: str) -> Any:
    """A field with its default and the sentence that explains it (in `machinami new` and the reference)."""
    return field(default=default, metadata={"comment": comment})


MetadataColumn = Literal[
    "camera", "size", "year", "month", "hour", "heading", "source", "creator", "sequence_photos"
]  # how a photo was taken, not what it shows


@dataclass(frozen=True, slots=True, kw_only=True)
class AreaConfig:
    """Where a place's polygon comes from: features of a file, or OpenStreetMap; one of file, osm and query."""

    file: str = ""  # GeoJSON, GeoPackage or Shapefile (also zipped), relative to machinami.toml
    where: dict[str, str] = field(default_factory=dict)  # column -> value, "*" for any; empty with a single feature
    osm: str = ""  # id of an OpenStreetMap relation, e.g. "R1759477"
    query: str = ""  # name looked up in OpenStreetMap, e.g. "Machida, Tokyo"; must fit one relation


@dataclass(frozen=True, slots=True, kw_only=True)
class PlaceConfig:
    """One place to be told apart from the others."""

    key: str  # short name used in files and commands
    label: str = ""  # name shown to readers; the key where empty
    area: AreaConfig | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceConfig:
    """Where photos come from."""

    kind: Literal["folder", "panoramax", "mapillary", "kartaview", "google", "town"] = setting(
        "folder", "folder (machinami import), panoramax, mapillary, kartaview, google or town (a made one)"
    )
    base_url: str = setting("", "a mirror or a test server: replaces scheme and host of every call; paths stay")
    acknowledgement: date | None = setting(
        None, "google only: the day on which you had permission to store its images and to train on them"
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class AreasConfig:
    """Who is asked for the areas that OpenStreetMap knows."""

    nominatim_url: str = setting(
        "https://nominatim.openstreetmap.org", "server for osm and query; plain http only to this machine"
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class SamplingConfig:
    """Where in an area photos are looked for, in which direction, and how many are kept."""

    method: Literal["area", "streets", "grid", "blocks"] = setting(
        "area", "evenly over the area; along its streets; on a square grid; or the same number in every block"
    )
    per_place: int = setting(2000, "photos wanted for each place")
    min_distance_m: float = setting(20.0, "photos of a place are at least so far apart")
    match_m: float = setting(50.0, "a photo counts for a sample within this; 15 suits streets")
    headings: Literal["stratified", "along", "across", "as-taken"] = setting(
        "stratified", "all directions in turn; along or across the street; or as each photo was taken"
    )
    spacing_m: float = setting(50.0, "distance between samples of the methods grid and streets")
    streets: str = setting("", "a file of street lines for the method streets; OpenStreetMap's (osmnx) where empty")
    per_sequence: int = setting(50, "at most so many photos of one sequence")
    per_creator: int = setting(1000, "at most so many photos by one creator")


@dataclass(frozen=True, slots=True, kw_only=True)
class BudgetConfig:
    """What collecting may cost. The ceilings hold for the whole life of the project."""

    max_cost_usd: float = setting(0.0, "dollars that paid requests may cost in all")
    max_photos: int = setting(4000, "image requests that may be made in all")


@dataclass(frozen=True, slots=True, kw_only=True)
class CollectConfig:
    """How photos are asked for, and in which form they are kept."""

    image_px: int = setting(1024, "longer side asked for where the provider offers sizes; 640 at most from google")
    views: int = setting(1, "flat views taken of each 360° photo, evenly around; 16 at most")
    field_of_view_deg: float = setting(90.0, "width of such a view, degrees")
    pitch_deg: float = setting(0.0, "how far such a view looks up (positive) or down")
    requests_per_s: float = setting(0.0, "pace for each host; 0 takes the provider's; only a base_url is asked faster")
    in_flight: int = setting(4, "requests under way at once")
    timeout_s: float = setting(30.0, "how long a silent connection is waited for")
    deadline_s: float = setting(300.0, "how long one thing is asked for, repeats and waits counted")
    attempts: int = setting(6, "times a request is made before its answer counts as unknown")
    max_unknown: float = setting(0.01, "share of unknown answers above which a collection is incomplete")


@dataclass(frozen=True, slots=True, kw_only=True)
class TownConfig:
    """The made town, used where source.kind = "town"."""

    difficulty: float = setting(0.3, "0 every photo shows its town plainly, 1 nothing tells the towns apart")
    decoy: Literal["none", "camera", "watermark"] = setting("none", "a mark that goes with the first town alone")
    size_px: int = setting(320, "edge of the square photos")


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckConfig:
    """Which photos are unfit. Nothing is deleted; each mark can be taken back."""

    max_pixels: int = setting(100_000_000, "larger photos are refused before they are decoded (bombs)")
    min_side_px: int = setting(96, "photos with a shorter side are too small to show a street")
    placeholder_share: float = setting(
        0.9, "share of pixels within 3 levels of one grey that makes a 'no imagery' card"
    )
    near_duplicates: bool = setting(True, "whether photos that show nearly the same as another one are marked")
    near_hash_bits: int = setting(
        11, "dHash or pHash differ in at most so many of 64 bits: the two are compared; a crop of 5 % took up to 11"
    )
    near_cosine: float = setting(
        0.89,
        "features with this cosine are near duplicates; crops of 5 % had 0.92 or more, other scenes at most 0.888",
    )
    near_hash_bits_alone: int = setting(
        4, "where both hashes differ in no more bits a cosine less by 0.05 will do; none is asked without the network"
    )
    # Measured on 564 flat photos by hand and by car (LabelMeFacade, Global Streetscapes), by day and by night, with a
    # shorter side of 256 pixels, and on the same photos spoilt. In brackets: the worst of the sound ones.
    min_light: float = setting(
        40.0, "the brightest twentieth of a picture is at least so light, of 255"
    )  # [55, Barcelona at night]; at a tenth of the light at most 25
    max_bright_share: float = setting(
        0.6, "share of pixels that are white above which a photo is overexposed"
    )  # [0.36]; at five times the light 0.72 on average
    max_blur: float = setting(
        0.55, "blur (0 sharp, 1 blurred) above which nothing can be made out"
    )  # [0.35]; a Gaussian of 0.5 % of the shorter side gives 0.43 to 0.55, of 1 % at least 0.67
    min_entropy: float = setting(
        4.5, "bits of information in the brightness, of 8, below which a photo shows next to nothing"
    )  # [5.4]; a tenth of the contrast, as in thick fog, leaves at most 4.6
    max_still_share: float = setting(
        0.25, "share of the picture, from an edge, that one colour or a repeated row may fill (a file cut short)"
    )  # [0.03]; skies do not count, as they begin at the top
    max_height_to_width: float = setting(
        1.6, "taller photos are taken out; 1 takes every portrait out"
    )  # the network sees a square: 3:4 (1.33) and 2:3 (1.5; 13 of 573) bear that, 9:16 (1.78) loses nearly half
    max_overlay_share: float = setting(
        0.35, "share of the picture that stays the same in all photos of one sequence or creator: a dashboard, a hand"
    )  # [0] in nine groups of 19 to 216 real and made photos; what is smaller, as a watermark, is a note
    # Off: it costs several times what all other checks do, and nothing was measured on real rooms.
    indoor: bool = setting(False, "let the bundled network look for rooms: a weak sign, and slow")
    min_indoor: float = setting(
        0.5, "probability of furniture and other things in rooms above which a photo is taken to be indoors"
    )  # highest of 573 street photos: 0.10


@dataclass(frozen=True, slots=True, kw_only=True)
class SplitConfig:
    """What is kept apart: ground, not photos."""

    strategy: Literal["blocks", "areas", "sequences", "random"] = setting(
        "blocks",
        "blocks of ground; areas: one area of each place is the test; sequences; or random, which brands every result",
    )
    block_m: float = setting(500.0, "edge of a block of ground, metres; at least four times the photo spacing")
    buffer_m: float = setting(50.0, "training photos nearer than this to a test photo are left out")
    link_m: float = setting(2.0, "photos nearer than this are the same spot and stay together")
    run_photos: int = setting(15, "without coordinates, a block is a run of at most so many neighbouring names")
    run_gap: int = setting(20, "... cut where the number in the file name jumps by more than this")
    folds: int = setting(5, "groups of blocks: one is the test, the next one validation, the rest training")
    fold: int = setting(0, "which fold is the test")


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainConfig:
    """The network and how it learns."""

    backbone: str = setting("resnet18", "any convolutional timm network; efficientnet-lite0 works with no network")
    weights: str = setting("", "a weights file instead of the backbone's own; random starts from nothing")
    image_size: int = setting(224, "edge of the random crops that are learned from, pixels")
    whole_size: int = setting(
        0, "edge at which whole photos are looked at; 0: 9/7 of image_size, since crops show things larger"
    )
    tune: Literal["auto", "probe", "last", "all"] = setting(
        "auto", "what is fitted: a linear probe; the last stages too; everything; or what validation favours"
    )
    views: int = setting(4, "crops of each photo that the frozen trunk sees, beside the photo itself")
    epochs: int = setting(8, "passes over the training photos")
    patience: int = setting(4, "epochs without a better validation figure before stopping")
    batch_size: int = setting(32, "photos in a step")
    head_rate: float = setting(3e-4, "highest learning rate of the classifier, which starts from the probe")
    trunk_rate: float = setting(2e-4, "highest learning rate of the trained stages")
    weight_decay: float = setting(5e-2, "shrinks weights, not norms and biases")
    label_smoothing: float = setting(0.05, "keeps the network from being too sure")
    min_crop: float = setting(0.5, "smallest share of the photo's area in a random crop")
    colour_jitter: float = setting(0.25, "random change of brightness and contrast, up to this share")
    flip: bool = setting(
        False,
        "mirror photos at random; off, since mirrored signs, road marks and driving side lie about a place",
    )
    refit: bool = setting(True, "fit once more on all blocks: the model that predict uses")

    @property
    def whole_px(self) -> int:
        """Edge at which whole photos are looked at, in training, judging and predicting alike.

        Random crops show things larger than whole photos do, by about this much, and networks tell best at the
        apparent size they learned (FixRes: Touvron et al., NeurIPS 2019, section 3). Rounded to the stride of the
        usual backbones.
        """
        return self.whole_size or max(32, round(self.image_size * 9 / 7 / 32) * 32)


@dataclass(frozen=True, slots=True, kw_only=True)
class EvaluateConfig:
    """How sure the figures are."""

    draws: int = setting(2000, "times the blocks are drawn again for an interval")
    level: float = setting(0.95, "share of such intervals that should hold the true figure")
    leave_out: tuple[MetadataColumn, ...] = setting(
        (), "columns of metadata that no baseline may use: camera, size, year, month, hour, heading, source, creator …"
    )
    # One more fit of the last stages; without it nobody sees what the blocks were for.
    random_split: bool = setting(
        True, "fit the same recipe on a random split too, and show by how much that one says too much"
    )
    # As many more fits as there are folds: minutes to hours, so only where asked for.
    cross_validate: bool = setting(False, "fit as many models as there are folds, so that every block is the test once")
    # Linear probes of pooled features: seconds.
    learning_curve: bool = setting(True, "tell what more photos would bring, by linear probes on parts of the blocks")


@dataclass(frozen=True, slots=True, kw_only=True)
class ExplainConfig:
    """How a score is laid out over the photo."""

    method: Literal["gradcam", "hirescam", "layercam", "gradcam++"] = setting(
        "gradcam", "with a pooled linear head gradcam and hirescam are the same map, and it sums to the score"
    )
    layer: str = setting("", "a stage of the network; the last feature map where empty")
    min_area: float = setting(0.005, "a region smaller than this share of a photo is not counted there")
    min_photos: int = setting(10, "a region seen in fewer photos of a place gets a dash")
    pictures: int = setting(6, "typical, borderline and wrong photos shown for each place, at most this many each")
    null_draws: int = setting(
        100, "times maps are exchanged and heads drawn at random, to tell a lift from chance; 0 leaves it out"
    )
    null_photos: int = setting(48, "photos that two networks of random weights are shown; 0 leaves them out")
    knockout_photos: int = setting(100, "photos in which regions are blanked out to see what is lost; 0 for none")
    knockout_regions: int = setting(8, "regions of each place that are blanked out, those that stand out first")


@dataclass(frozen=True, slots=True, kw_only=True)
class RegionsConfig:
    """Where the regions come from that the evidence is laid out over."""

    source: Literal["auto", "masks", "segmenter", "colour", "none"] = setting(
        "auto", "auto: masks where there are any, else green and sky by colour; segmenter: made where there is none"
    )
    # Trained on streets, 14 MB; on one processor core about two photos a second at this size
    model: str = setting(
        "nvidia/segformer-b0-finetuned-cityscapes-1024-1024", "a SegFormer: its name on the model hub, or its folder"
    )
    revision: str = setting("", "branch, tag or commit of the model on the hub; its main branch where empty")
    size_px: int = setting(512, "shorter side at which photos are segmented; larger is finer and slower")


@dataclass(frozen=True, slots=True, kw_only=True)
class Config:
    """One project's settings, as resolved from machinami.toml."""

    seed: int = setting(0, "every random choice follows from it")
    places: tuple[PlaceConfig, ...] = ()
    source: SourceConfig = field(default_factory=SourceConfig)
    areas: AreasConfig = field(default_factory=AreasConfig)
    sampling: SamplingConfig = field(default_factory=SamplingConfig)
    budget: BudgetConfig = field(default_factory=BudgetConfig)
    collect: CollectConfig = field(default_factory=CollectConfig)
    town: TownConfig = field(default_factory=TownConfig)
    check: CheckConfig = field(default_factory=CheckConfig)
    split: SplitConfig = field(default_factory=SplitConfig)
    train: TrainConfig = field(default_factory=TrainConfig)
    evaluate: EvaluateConfig = field(default_factory=EvaluateConfig)
    regions: RegionsConfig = field(default_factory=RegionsConfig)
    explain: ExplainConfig = field(default_factory=ExplainConfig)
