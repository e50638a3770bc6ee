"""Every setting, one frozen dataclass a stage. The defaults are the advice."""

from dataclasses import dataclass, field
from typing import Any, Literal

__all__ = [
    "AreaConfig",
    "CheckConfig",
    "Config",
    "EvaluateConfig",
    "ExplainConfig",
    "PlaceConfig",
    "SamplingConfig",
    "SourceConfig",
    "SplitConfig",
    "TownConfig",
    "TrainConfig",
]


def setting(default: Any, comment: str) -> Any:
    """A field with its default and the sentence that explains it (in `machinami new` and the reference)."""
    return field(default=default, metadata={"comment": comment})


@dataclass(frozen=True, slots=True, kw_only=True)
class AreaConfig:
    """Where a place's polygon comes from: the feature of a GeoJSON file whose properties match."""

    file: str  # relative to machinami.toml
    where: dict[str, str] = field(default_factory=dict)  # property name -> value; empty when there is one feature


@dataclass(frozen=True, slots=True, kw_only=True)
class PlaceConfig:
    """One place to be told apart from the others."""

    key: str  # short name used in files and commands
    label: str = ""  # name shown to readers; the key where empty
    area: AreaConfig | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceConfig:
    """Where photos come from."""

    kind: Literal["folder", "town"] = setting("folder", "folder (machinami import) or town (a made one)")


@dataclass(frozen=True, slots=True, kw_only=True)
class SamplingConfig:
    """How many photos."""

    per_place: int = setting(300, "photos wanted for each place")


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


@dataclass(frozen=True, slots=True, kw_only=True)
class SplitConfig:
    """What is kept apart: ground, not photos."""

    strategy: Literal["blocks", "sequences", "random"] = setting(
        "blocks", "blocks of ground; sequences; or random, which brands every result made from it"
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

    backbone: str = setting("resnet18", "any timm name; efficientnet-lite0 works with no network")
    weights: str = setting("", "a weights file instead of the backbone's own; random starts from nothing")
    image_size: int = setting(224, "edge of what the network sees, pixels")
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


@dataclass(frozen=True, slots=True, kw_only=True)
class EvaluateConfig:
    """How sure the figures are."""

    draws: int = setting(2000, "times the blocks are drawn again for an interval")
    level: float = setting(0.95, "share of such intervals that should hold the true figure")


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


@dataclass(frozen=True, slots=True, kw_only=True)
class Config:
    """One project's settings, as resolved from machinami.toml."""

    seed: int = setting(0, "every random choice follows from it")
    places: tuple[PlaceConfig, ...] = ()
    source: SourceConfig = field(default_factory=SourceConfig)
    sampling: SamplingConfig = field(default_factory=SamplingConfig)
    town: TownConfig = field(default_factory=TownConfig)
    check: CheckConfig = field(default_factory=CheckConfig)
    split: SplitConfig = field(default_factory=SplitConfig)
    train: TrainConfig = field(default_factory=TrainConfig)
    evaluate: EvaluateConfig = field(default_factory=EvaluateConfig)
    explain: ExplainConfig = field(default_factory=ExplainConfig)
