"""Imports point one way, and the command line starts without the heavy packages."""

import ast
import os
import subprocess
import sys
from pathlib import Path

import pytest

import machinami

ROOT = Path(machinami.__file__).parent
GROUND = (
    "errors", "config", "config_file", "geo", "squares", "files", "progress", "dates", "enough", "ordered", "retry",
    "project", "catalog", "schema", "places", "images", "models",
)  # fmt: skip
STOREYS = (
    "areas", "sampling", "sources", "collect", "check", "split", "train", "evaluate", "explain", "predict", "report",
    "results", "pipeline", "web", "cli",
)  # fmt: skip


def storey(part):
    return 0 if part in GROUND else 1 + STOREYS.index(part)


def part_of(path):
    return path.relative_to(ROOT).parts[0].removesuffix(".py")


def module_name(path):
    parts = ("machinami", *path.relative_to(ROOT).with_suffix("").parts)
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


SOURCES = {module_name(path): path for path in sorted(ROOT.rglob("*.py")) if path != ROOT / "__init__.py"}


def imported_names(text):
    """Every machinami module or name that a source imports, wherever in it."""
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "imports are absolute"
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def own_imports(text):
    return sorted({name for name in imported_names(text) if name.startswith("machinami.")})


def test_every_part_has_its_storey():
    for path in SOURCES.values():
        assert part_of(path) in (*GROUND, *STOREYS), f"{path.name} has no place in the order"


def test_imports_inside_functions_are_seen():
    text = "def f():\n    from machinami.cli import main\n    import machinami.web.app\n"
    assert own_imports(text) == ["machinami.cli.main", "machinami.web.app"]


@pytest.mark.parametrize("module", SOURCES)
def test_imports_point_one_way(module):
    path = SOURCES[module]
    for name in own_imports(path.read_text(encoding="utf-8")):
        part = name.split(".")[1]
        if part.startswith("__"):  # the package's version
            continue
        assert storey(part) <= storey(part_of(path)), f"{path.relative_to(ROOT)} imports {name}"


def test_no_two_modules_of_the_ground_floor_import_each_other():
    """The ground floor has no order of its own, so it must at least be free of circles; so must the rest."""
    edges = {}
    for module, path in SOURCES.items():
        names = own_imports(path.read_text(encoding="utf-8"))
        targets = {name if name in SOURCES else name.rpartition(".")[0] for name in names}
        package = f"{module}."
        edges[module] = {t for t in targets & SOURCES.keys() if not t.startswith(package)}
    done, open_ = set(), []

    def visit(module):
        if module in done:
            return
        assert module not in open_, " -> ".join([*open_, module])
        open_.append(module)
        for target in sorted(edges[module]):
            visit(target)
        done.add(open_.pop())

    for module in edges:
        visit(module)


@pytest.mark.parametrize("arguments", [["--help"], ["--version"], ["run", "--help"], ["predict", "--help"]])
def test_help_needs_no_heavy_package(arguments):
    code = (
        "import sys\n"
        "from machinami.cli.main import run\n"
        f"code = run({arguments!r})\n"
        "heavy = {'torch', 'numpy', 'PIL', 'pyarrow', 'shapely', 'sklearn', 'timm', 'scipy', 'httpx', 'pyogrio'}\n"
        "heavy &= set(sys.modules)\n"
        "assert code == 0 and not heavy, (code, heavy)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, env=dict(os.environ), check=False
    )
    assert done.returncode == 0, done.stderr
    assert "machinami" in done.stdout


def test_status_needs_no_torch(tiny_town):
    """`status` is asked often."""
    code = (
        "import sys\n"
        "from machinami.cli.main import run\n"
        f"code = run(['status', {str(tiny_town.root)!r}])\n"
        "assert code == 0 and 'torch' not in sys.modules, code\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, env=dict(os.environ), check=False
    )
    assert done.returncode == 0, done.stderr
