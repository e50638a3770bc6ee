"""Machinami (街並み): tells places apart from street photos, and shows what gives each place away.

What stands in `__all__` is offered to programs and stays as it is; everything else may change. Names are imported
when they are first used, so that `import machinami` is quick.

>>> import machinami
>>> "load_model" in dir(machinami)
True
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from machinami.catalog import Catalog, Photo
    from machinami.check import check_photos
    from machinami.collect.importing import import_photos
    from machinami.config import Config
    from machinami.config_file import load_config
    from machinami.errors import MachinamiError
    from machinami.evaluate.stage import evaluate_project
    from machinami.explain.cam import heatmaps
    from machinami.explain.stage import explain_project
    from machinami.models.folder import load_model
    from machinami.predict import predict_photos
    from machinami.project import Project
    from machinami.report import build_report
    from machinami.split import lay_split
    from machinami.train.stage import train_project

__version__ = "0.1.0.dev0"

_HOMES = {
    "Catalog": "catalog",
    "Config": "config",
    "MachinamiError": "errors",
    "Photo": "catalog",
    "Project": "project",
    "build_report": "report",
    "check_photos": "check",
    "evaluate_project": "evaluate.stage",
    "explain_project": "explain.stage",
    "heatmaps": "explain.cam",
    "import_photos": "collect.importing",
    "lay_split": "split",
    "load_config": "config_file",
    "load_model": "models.folder",
    "predict_photos": "predict",
    "train_project": "train.stage",
}

__all__ = [
    "Catalog",
    "Config",
    "MachinamiError",
    "Photo",
    "Project",
    "build_report",
    "check_photos",
    "evaluate_project",
    "explain_project",
    "heatmaps",
    "import_photos",
    "lay_split",
    "load_config",
    "load_model",
    "predict_photos",
    "train_project",
]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])
