"""The packages of `sup` import each other in one direction, and others only where they must."""

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

SUP = Path(__file__).parent.parent / "sup"
ORDER = (
    "system",
    "config",
    "model",
    "training",
    "analysis",
    "results",
    "figures",
    "explore",
    "dashboard",
    "callbacks",
    "launch",
    "sweep",
    "api",
    "article",
    "report",
    "cli",
    "__main__",
)
MODULES = sorted(
    path for path in SUP.rglob("*.py") if path.parent != SUP or path.name != "__init__.py"
)


def imported(path: Path) -> Iterator[str]:
    """Yield the dotted names that a module imports, wherever in it."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def package(path: Path) -> str:
    return path.relative_to(SUP).parts[0].removesuffix(".py")


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(SUP)))
def test_no_import_points_up(path: Path):
    here = ORDER.index(package(path))
    for name in imported(path):
        top, _, rest = name.partition(".")
        if top == "sup" and rest:
            assert ORDER.index(rest.partition(".")[0]) <= here, f"{path} imports {name}"


def test_every_package_has_its_place_and_says_what_lives_there():
    packages = {path.parent.name for path in SUP.glob("*/__init__.py")}
    assert packages <= set(ORDER)
    for name in packages:
        assert ast.get_docstring(ast.parse((SUP / name / "__init__.py").read_text())), name


def test_the_lowest_packages_stand_on_the_standard_library():
    for path in MODULES:
        tops = {name.split(".")[0] for name in imported(path)} - {"sup"}
        if package(path) in ("system", "config"):
            allowed = {"rich"} if path.name == "display.py" else set()  # draws on the terminal
            assert tops <= sys.stdlib_module_names | allowed, path


HOMES = {
    "wandb": {"training/wandb_logger.py", "training/wandb_mode.py"},
    "mlflow": {"training/mlflow_logger.py"},
    "wandb_workspaces": {"dashboard"},
    "ray": set(),  # by name, where it is asked for
    "submitit": set(),
    "matplotlib": {"figures", "report"},
    "hydra": {"cli"},
    "omegaconf": {"cli"},
}


@pytest.mark.parametrize("library", HOMES)
def test_a_library_is_imported_by_what_uses_it(library: str):
    for path in MODULES:
        inside = str(path.relative_to(SUP))
        if any(name.split(".")[0] == library for name in imported(path)):
            assert HOMES[library] & {inside, package(path)}, f"{inside} imports {library}"


PRIVATE = {
    "hydra": {"cli/arguments.py", "cli/composing.py", "cli/sweeper.py"},
    "lightning": set(),
    "wandb": set(),
    "omegaconf": set(),
}


@pytest.mark.parametrize("library", PRIVATE)
def test_private_parts_of_a_library_stand_in_one_module(library: str):
    for path in MODULES:
        inside = str(path.relative_to(SUP))
        names = [name.split(".") for name in imported(path)]
        private = [name for name in names if name[0] == library and any(p[0] == "_" for p in name)]
        assert not private or inside in PRIVATE[library], f"{inside} imports {private}"
