"""How a result came about: settings, versions, digests, and what was told of the model."""

import json
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from machinami.config import Config
from machinami.files import digest_file, read_json
from machinami.project import Project
from machinami.report.facts import Settings

__all__ = ["read_settings"]


def read_settings(project: Project, config: Config, *, split_digest: str) -> Settings:
    """What is needed to get the same result again. A model card that cannot be read is left out."""
    card = _card(project)
    return Settings(
        project=project.root.resolve().name,
        config=asdict(config),
        card=card,
        versions=_versions(project, card),
        digests={
            "split": split_digest,
            "evaluation": digest_file(project.evaluation_file),
            **{name: str(card[name].get("sha256", "")) for name in ("model", "evaluated") if card and card.get(name)},
            **({"weights": str(card["weights"].get("digest", ""))} if card and card.get("weights") else {}),
            **({"data": str(card["data_digest"])} if card and card.get("data_digest") else {}),
        },
    )


def _card(project: Project) -> Mapping[str, Any] | None:
    """card.json as it stands; the report only quotes it."""
    try:
        card = read_json(project.model / "card.json")
    except (OSError, json.JSONDecodeError, UnicodeDecodeError):
        return None
    return card if isinstance(card, dict) else None


def _versions(project: Project, card: Mapping[str, Any] | None) -> dict[str, str]:
    """Versions that the evaluation ran with; those of the model card where the log has no such line."""
    line = project.last_done("evaluate") or {}
    found = line.get("versions") or (card or {}).get("versions") or {}
    return {str(name): str(value) for name, value in found.items()}
