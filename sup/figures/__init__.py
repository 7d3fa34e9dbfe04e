"""Figures, as pure functions from results to matplotlib figures.

One style for all: colours that the colour-blind tell apart, sizes that can be read in print.
"""

from pathlib import Path

from matplotlib.figure import Figure

from sup.figures.features import feature_figure
from sup.figures.gram import gram_figure
from sup.figures.training import training_figure
from sup.results.storage import FILE, finite, load_run
from sup.system.files import replacing

RUN_FIGURES = {"gram": gram_figure, "features": feature_figure, "training": training_figure}
"""The figures of every run, by file name."""


def draw(directory: Path) -> None:
    """Draw the figures that a run's directory does not have yet, or has of earlier results."""
    made = (directory / FILE).stat().st_mtime_ns
    paths = {name: directory / "figures" / f"{name}.png" for name in RUN_FIGURES}
    missing = {
        name: path
        for name, path in paths.items()
        if not path.exists() or path.stat().st_mtime_ns < made
    }
    if not missing:
        return
    results = finite(load_run(directory))
    for name, path in missing.items():
        write(RUN_FIGURES[name](results), path)


def write(figure: Figure, path: Path) -> None:
    """Write a figure as PNG, making its folder where there is none."""
    path.parent.mkdir(exist_ok=True)
    with replacing(path) as unfinished:
        figure.savefig(unfinished, dpi=110, format="png")
