"""Between machinami.toml and `Config`: a strict reader, and the writer of a new project's file."""

import difflib
import json
import math
import operator
import re
import tomllib
import types
import unicodedata
from dataclasses import MISSING, Field, fields, is_dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints
from urllib.parse import urlsplit

from machinami.config import AreaConfig, Config, PlaceConfig
from machinami.errors import ConfigError

__all__ = ["MAX_VIEWS", "check_config", "is_key", "load_config", "parse_config", "render_config"]

CONFIG_NAME = "machinami.toml"
_KEY = re.compile(r"[^\W_][\w.-]{0,63}")
_RELATION = re.compile(r"R[1-9][0-9]{0,14}")
_LOOPBACK = frozenset({"127.0.0.1", "::1", "localhost"})
MAX_VIEWS = 16  # every 22.5°; the rows of so many still make a short file name in photos/.arrived
MAX_DRAWS, MAX_NULL_PHOTOS = 10_000, 1_000  # draws and photos of the null models are held in memory
_POSITIVE = {
    "sampling.per_place", "sampling.match_m", "sampling.spacing_m", "sampling.per_sequence", "sampling.per_creator",
    "collect.image_px", "collect.views", "collect.field_of_view_deg", "collect.in_flight", "collect.timeout_s",
    "collect.deadline_s", "collect.attempts", "town.size_px", "check.max_pixels", "check.min_side_px",
    "check.max_height_to_width", "split.block_m", "split.run_photos", "train.image_size", "train.epochs",
    "train.patience", "train.batch_size", "train.head_rate", "train.trunk_rate", "evaluate.draws", "explain.min_photos",
    "explain.pictures",
}  # fmt: skip
_SHARE = {
    "town.difficulty", "check.placeholder_share", "check.near_cosine", "check.max_bright_share", "check.max_blur",
    "check.max_still_share", "check.max_overlay_share", "check.min_indoor", "train.label_smoothing", "train.min_crop",
    "train.colour_jitter", "evaluate.level", "explain.min_area", "collect.max_unknown",
}  # fmt: skip
_NOT_NEGATIVE = {
    "seed", "sampling.min_distance_m", "budget.max_cost_usd", "budget.max_photos", "collect.requests_per_s",
    "split.buffer_m", "split.link_m", "split.run_gap", "split.fold", "train.views", "train.weight_decay",
    "check.min_light", "check.min_entropy", "explain.null_draws", "explain.null_photos",
    "explain.knockout_photos", "explain.knockout_regions",
}  # fmt: skip
_WITHIN = {
    "check.near_hash_bits": (0, 64),
    "check.near_hash_bits_alone": (0, 64),
    "collect.views": (1, MAX_VIEWS),
    "train.image_size": (32, 2048),
    "regions.size_px": (64, 2048),
    "explain.null_draws": (0, MAX_DRAWS),
    "explain.null_photos": (0, MAX_NULL_PHOTOS),
}


def load_config(path: Path) -> Config:
    """The settings in a machinami.toml. Raises ConfigError, which names the key and the nearest known one."""
    try:
        text = path.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise ConfigError(f"{path.name} is not UTF-8 text (byte {error.start})") from error
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read ({error.strerror})") from error
    return parse_config(text, name=path.name)


def parse_config(text: str, *, name: str = CONFIG_NAME) -> Config:
    """The settings in the text of a machinami.toml."""
    try:
        table = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"{name} is not valid TOML: {error}") from error
    config: Config = _read(Config, table, where="", name=name)
    check_config(config, name=name)
    return config


def check_config(config: Config, *, name: str = CONFIG_NAME) -> None:
    """Raises ConfigError for a value outside its range, or settings that contradict each other."""
    for dotted in sorted(_POSITIVE | _SHARE | _NOT_NEGATIVE):
        _check_range(dotted, operator.attrgetter(dotted)(config), name)
    _check_places(config.places, name)
    _check_server("areas.nominatim_url", config.areas.nominatim_url, name)
    if config.split.folds < 3:
        raise ConfigError(f"{name}: split.folds = {config.split.folds}: test, validation and training need 3 at least")
    if config.split.fold >= config.split.folds:
        raise ConfigError(
            f"{name}: split.fold = {config.split.fold} must be one of 0 … {config.split.folds - 1} (split.folds)"
        )
    if not config.collect.field_of_view_deg <= 120 or not -90 <= config.collect.pitch_deg <= 90:
        raise ConfigError(f"{name}: collect.field_of_view_deg must lie in 0 … 120, collect.pitch_deg in -90 … 90")
    for dotted, (least, most) in _WITHIN.items():
        value = operator.attrgetter(dotted)(config)
        if not least <= value <= most:
            raise ConfigError(f"{name}: {dotted} = {value} must lie in {least} … {most}")
    if config.train.whole_size != 0 and not 32 <= config.train.whole_px <= 2048:
        raise ConfigError(f"{name}: train.whole_size = {config.train.whole_size} must be 0 or lie in 32 … 2048")
    if not config.regions.model.strip():
        raise ConfigError(f"{name}: regions.model must name a SegFormer on the model hub, or its folder")
    if not 0.5 <= config.evaluate.level < 1:
        raise ConfigError(f"{name}: evaluate.level = {config.evaluate.level} must lie in 0.5 … 1")


def _check_range(dotted: str, value: float, name: str) -> None:
    if not math.isfinite(value):
        raise ConfigError(f"{name}: {dotted} = {value} must be a finite number")
    if dotted in _POSITIVE and value <= 0:
        raise ConfigError(f"{name}: {dotted} = {value} must be above 0")
    if dotted in _SHARE and not 0 <= value <= 1:
        raise ConfigError(f"{name}: {dotted} = {value} must lie in 0 … 1")
    if dotted in _NOT_NEGATIVE and value < 0:
        raise ConfigError(f"{name}: {dotted} = {value} must not be negative")


def is_key(text: str) -> bool:
    """Whether a place may have this key: it stands in commands and file names, so it holds no path."""
    return _KEY.fullmatch(text) is not None


def _check_places(places: tuple[PlaceConfig, ...], name: str) -> None:
    seen: set[str] = set()
    called: dict[str, str] = {}  # every key and label, with the key of the place that bears it
    for place in places:
        if not is_key(place.key):
            raise ConfigError(
                f"{name}: place key {place.key!r} must begin with a letter or a digit and hold "
                "letters, digits, '.', '-', '_' only (64 at most); put the full name into label"
            )
        if place.key in seen:
            raise ConfigError(f"{name}: two places have the key {place.key!r}")
        seen.add(place.key)
        for title in (place.key, place.label or place.key):
            other = called.setdefault(unicodedata.normalize("NFC", title), place.key)
            if other != place.key:
                raise ConfigError(f"{name}: places {other!r} and {place.key!r} are both called {title!r}: rename one")
        if place.area is not None:
            _check_area(place.area, f"{name}: the area of place {place.key!r}")


def _check_area(area: AreaConfig, where: str) -> None:
    named = [key for key in ("file", "osm", "query") if getattr(area, key)]
    if len(named) != 1:
        raise ConfigError(f"{where} must name one of file, osm and query, not {' and '.join(named) or 'none'}")
    if area.where and not area.file:
        raise ConfigError(f"{where}: where picks features of a file, so it does not go with {named[0]}")
    if area.osm and not _RELATION.fullmatch(area.osm):
        raise ConfigError(f'{where}: osm = {area.osm!r} must be the id of a relation, like "R1759477"')


def _check_server(dotted: str, url: str, name: str) -> None:
    """Raises ConfigError for what is no https address (plain http is for this machine only)."""
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname, parts.port
    except ValueError as error:
        raise ConfigError(f"{name}: {dotted} is no URL ({error})") from error
    plain = parts.scheme == "http" and host in _LOOPBACK
    if not host or (parts.scheme != "https" and not plain):
        raise ConfigError(f"{name}: {dotted} = {url!r} must begin with https:// (plain http only to this machine)")
    if parts.query or parts.fragment or "@" in parts.netloc or not url.isprintable() or " " in url:
        raise ConfigError(f"{name}: {dotted} must be an address with nothing behind it, like https://example.org")


def _read(kind: type, table: Any, *, where: str, name: str) -> Any:
    """An instance of the dataclass `kind` from a TOML table."""
    if not isinstance(table, dict):
        raise ConfigError(f"{name}: [{where}] must be a table, not {table!r}")
    known = {f.name: f for f in fields(kind)}
    hints = get_type_hints(kind)
    for key in table:
        if key not in known:
            raise ConfigError(f"{name}: unknown key {_dotted(where, key)!r}{_nearest(key, list(known))}")
    values = {key: _convert(hints[key], value, where=_dotted(where, key), name=name) for key, value in table.items()}
    missing = [f.name for f in known.values() if _required(f) and f.name not in values]
    if missing:
        raise ConfigError(f"{name}: {_dotted(where, missing[0])!r} is missing")
    return kind(**values)


def _required(f: Field[Any]) -> bool:
    return f.default is MISSING and f.default_factory is MISSING


def _dotted(where: str, key: str) -> str:
    return f"{where}.{key}" if where else key


def _nearest(key: str, known: list[str]) -> str:
    """A hint at the known key that is most like `key`; the whole list where none is near."""
    near = difflib.get_close_matches(key, known, n=1, cutoff=0.5)
    return f"; did you mean {near[0]!r}?" if near else f"; known are {', '.join(known)}"


def _convert(hint: Any, value: Any, *, where: str, name: str) -> Any:  # noqa: C901, PLR0911  a case for each kind of field
    """`value` as the type `hint` says, or ConfigError."""
    origin, args = get_origin(hint), get_args(hint)
    if origin in (Union, types.UnionType):
        return _convert(next(a for a in args if a is not type(None)), value, where=where, name=name)
    if is_dataclass(hint) and isinstance(hint, type):
        return _read(hint, value, where=where, name=name)
    if origin is tuple:
        if not isinstance(value, list):
            written = f"[[{where}]] tables" if is_dataclass(args[0]) else 'a list, like ["…"]'
            raise ConfigError(f"{name}: {where!r} must be written as {written}, not {value!r}")
        return tuple(_convert(args[0], v, where=f"{where}[{i}]", name=name) for i, v in enumerate(value))
    if origin is dict:
        if not isinstance(value, dict):
            raise ConfigError(f"{name}: {where!r} must be a table of names and values, not {value!r}")
        return {k: str(v) for k, v in value.items()}
    if origin is Literal:
        if value not in args or isinstance(value, bool):
            raise ConfigError(f"{name}: {where} = {value!r}{_nearest(str(value), [str(a) for a in args])}")
        return value
    if hint in (int, float) and isinstance(value, int) and abs(value) >= 2**63:  # TOML promises 64 bits
        raise ConfigError(f"{name}: {where} = {value} is too large a number")
    if hint is float and isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    if hint is date and isinstance(value, datetime):
        return value.date()
    if type(value) is not hint:
        raise ConfigError(f"{name}: {where} = {value!r} must be {_WORDS[hint]}")
    return value


_WORDS = {
    int: "a whole number",
    float: "a number",
    str: "a text in quotes",
    bool: "true or false",
    date: "a date (2026-11-23)",
}


def render_config(places: tuple[PlaceConfig, ...], chosen: dict[str, dict[str, Any]], *, seed: int = 0) -> str:
    """The text of a new machinami.toml: what was asked for, and every other key commented out with its default.

    `chosen` maps a section to the values asked for, e.g. ``{"train": {"backbone": "resnet18"}}``.
    """
    lines = [
        "# A Machinami project. Lines that begin with # are the defaults: take the # away to change one.",
        "",
    ]
    lines += [f"seed = {seed}", ""]
    for place in places:
        lines += ["[[places]]", f"key = {_toml(place.key)}"]
        lines += [f"label = {_toml(place.label)}" if place.label else f'# label = "{place.key}"']
        if place.area:
            lines += [f"area = {_area(place.area)}"]
        else:
            lines += ['# area = { file = "areas.geojson", where = { code = "13209" } }']
        lines += [""]
    defaults = Config()
    for section in fields(Config):
        part = getattr(defaults, section.name)
        if not is_dataclass(part):
            continue
        lines.append(f"[{section.name}]")
        asked = chosen.get(section.name, {})
        for f in fields(part):
            comment = f.metadata.get("comment", "")
            value = asked.get(f.name, getattr(part, f.name))
            if value is None:  # a date that only the user can give
                value = date(2026, 1, 31)
            mark = "" if f.name in asked else "# "
            lines.append(f"{mark}{f.name} = {_toml(value)}".ljust(34) + f"  # {comment}")
        lines.append("")
    return "\n".join(lines)


def _area(area: AreaConfig) -> str:
    """An inline table with what is said of the area."""
    parts = [f"{key} = {_toml(getattr(area, key))}" for key in ("file", "osm", "query") if getattr(area, key)]
    if area.where:
        parts += [f"where = {{ {', '.join(f'{_toml(k)} = {_toml(v)}' for k, v in area.where.items())} }}"]
    return f"{{ {', '.join(parts)} }}"


def _toml(value: Any) -> str:
    """A TOML literal. Basic strings take JSON's escapes, all but DEL, which TOML wants escaped."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, tuple):
        return f"[{', '.join(_toml(item) for item in value)}]"
    if isinstance(value, str):
        return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
    return value.isoformat() if isinstance(value, date) else str(value)
