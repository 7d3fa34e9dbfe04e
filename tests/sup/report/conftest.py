"""A small article, made once for all tests of the report."""

import os
import sys
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path

import pytest
from commands import silent_afterwards
from filelock import FileLock
from hydra.core.global_hydra import GlobalHydra

from sup.article import __main__ as article

SMALL = {
    "bottleneck": ("steps=4", "sparsity=[0,0.9,0.99]", "activation=linear,relu", "seed=[0,1]"),
    "bottleneck_sizes": ("steps=4", "seed=[0,1]"),
    "phase_diagram": ("steps=100", "resolution=4", "activation=linear,relu", "seed=[0,1]"),
    "dimensions": ("steps=2", "resolution=3", "batch_size=16", "activation=relu,solu", "seed=0"),
    "dimensions_converged": ("steps=3", "batch_size=16", "activation=relu", "sparsity=[0,0.95]"),
}


@dataclass
class Article:
    """What `python -m sup.article` left."""

    directory: Path

    @property
    def page(self) -> Path:
        return self.directory / "report.html"


def here(module: str, arguments: list[str]) -> None:
    """Run a command in this process, which has imported all that takes seconds to import."""
    GlobalHydra.instance().clear()
    with pytest.MonkeyPatch.context() as patch, silent_afterwards():
        patch.setattr(sys, "argv", [module, *arguments])
        import_module(f"{module}.__main__").main()
    GlobalHydra.instance().clear()


@pytest.fixture(scope="session")
def small_article(tmp_path_factory: pytest.TempPathFactory) -> Article:
    """Train tiny experiments and write their report, once for all processes of the tests."""
    base = tmp_path_factory.getbasetemp()
    shared = base.parent if "PYTEST_XDIST_WORKER" in os.environ else base
    directory = shared / "small-article"
    with FileLock(directory.with_suffix(".lock")):
        if not (directory / "report.html").exists():
            with pytest.MonkeyPatch.context() as patch:
                patch.setattr(article, "EXPERIMENTS", SMALL)
                patch.setattr(article, "run", here)
                quiet = ("logger=none", "figures=none", "tags=['<b>&']")
                article.main(["--directory", str(directory), *quiet])
    return Article(directory)
