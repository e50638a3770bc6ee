"""The card of a model: everything there is to know about it, in JSON, readable without torch."""

import math
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from machinami.config_file import is_key
from machinami.errors import ModelError
from machinami.files import read_json

__all__ = ["CARD_FORMAT", "Card", "read_card"]

CARD_FORMAT = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Card:
    """What there is to know about a model (card.json)."""

    format: int = CARD_FORMAT
    places: list[dict[str, str]]  # key and label, in the order of the logits
    backbone: str
    image_size: int  # edge at which whole photos are looked at; it learned from crops of training["crop_px"]
    mean: list[float]
    std: list[float]
    temperature: float
    weights: dict[str, str]  # pretrained weights: source, digest
    tuned: str  # "probe", "last stages from …" or "all"
    model: dict[str, str]  # file, sha256, trained_on
    evaluated: dict[str, str]  # likewise, for the model that the figures are of
    figures: dict[str, Any] | None = None  # from evaluation.json, of the evaluated model
    split_digest: str = ""
    branded: str | None = None  # what every result must say of a random split
    data_digest: str = ""
    seed: int = 0
    versions: dict[str, str] = field(default_factory=dict)
    photos: dict[str, Any] = field(default_factory=dict)  # sources, licences and counts of the photos it learned from
    training: dict[str, Any] = field(default_factory=dict)  # curve, choice, why

    @property
    def keys(self) -> tuple[str, ...]:
        """Keys of the places, in the order of the logits."""
        return tuple(place["key"] for place in self.places)


def read_card(folder: Path) -> Card:
    """The card in a model folder. Raises ModelError."""
    file = folder / "card.json"
    try:
        facts = read_json(file)
    except FileNotFoundError as error:
        raise ModelError(f"{folder} holds no model (no card.json): run `machinami train` first") from error
    except (OSError, ValueError, RecursionError) as error:
        raise ModelError(f"{file} cannot be read ({error})") from error
    return _parse_card(facts, file)


def _parse_card(facts: Any, file: Path) -> Card:
    """A card from what stood in card.json, checked: it may come from a stranger."""
    if not isinstance(facts, dict):
        raise ModelError(f"{file} is not a model card")
    if facts.get("format") != CARD_FORMAT:
        raise ModelError(
            f"{file} has format {facts.get('format')!r}, this Machinami reads {CARD_FORMAT}: update one of the two"
        )
    known = set(Card.__dataclass_fields__)
    try:
        card = Card(**{name: value for name, value in facts.items() if name in known})
        keys = card.keys
        sane = (
            len(keys) >= 2
            and all(isinstance(key, str) and is_key(key) for key in keys)  # they become parts of file names
            and len(set(keys)) == len(keys)
            and all(isinstance(place["label"], str) for place in card.places)
            and isinstance(card.backbone, str)
            and isinstance(card.branded, str | None)
            and type(card.image_size) is int
            and 32 <= card.image_size <= 2048
            and 0 < _number(card.temperature) < 1e6
            and len(card.mean) == len(card.std) == 3
            and all(math.isfinite(_number(m)) for m in card.mean)
            and all(0 < _number(s) < math.inf for s in card.std)
            and all(Path(f["file"]).name == f["file"] and len(f["sha256"]) == 64 for f in (card.model, card.evaluated))
        )
    except (TypeError, KeyError, ValueError, AttributeError, OverflowError) as error:
        raise ModelError(f"{file} is not a whole model card ({error})") from error
    if not sane:
        raise ModelError(f"{file} holds values that cannot be")
    return card


def _number(value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise TypeError(f"{value!r:.40} is not a number")
    return float(value)
