"""The figures of runs, drawn when all are trained, by as many processes as are given."""

import logging
from collections.abc import Sequence
from concurrent.futures.process import BrokenProcessPool
from contextlib import closing
from itertools import groupby
from pathlib import Path

import xarray as xr

from sup.analysis.privileged import has_neurons
from sup.config.drawing import Drawing
from sup.config.rules import in_one_line
from sup.config.run import Run
from sup.results.storage import FILE, finite
from sup.sweep.failures import RunError
from sup.system.shared_work import shared
from sup.system.signals import Stopped
from sup.system.stages import stage

log = logging.getLogger(__name__)

NAMES = ("gram", "features", "training")
"""The figures of every run, by file name."""

IN_A_PLANE = ("vectors",)
"""Those of runs with two hidden dimensions."""

OF_NEURONS = ("neurons",)
"""Those of runs whose hidden dimensions are a basis of their own."""

FEW = 12
"""Runs up to which no further process pays: by the time that one has started, they are drawn."""


def draw(runs: Sequence[Run], results: Sequence[xr.Dataset | RunError], processes: int = 1) -> None:
    """Draw the figures that runs do not have yet, or have of earlier results.

    What cannot be drawn is said so: the results are complete without it.

    Args:
        runs: of one command.
        results: of each.
        processes: how many may draw at once, this one among them.
    """
    todo = {
        run: (held, paths)
        for run, held in zip(runs, results, strict=True)
        if isinstance(held, xr.Dataset) and (paths := missing(run, held, len(runs)))
    }
    if not todo:
        return
    others = 0 if len(todo) <= FEW else processes - 1
    each = list(todo)
    count = 0
    what = f"drawing the figures of {len(todo)} run{'s' * (len(todo) > 1)}"
    try:
        with (
            stage(log, what, len(todo)) as advance,
            closing(shared(draw_run, list(todo.values()), others)) as drawn,
        ):
            for place, reason in drawn:
                say(each[place], reason)
                count += 1
                advance()
    except BrokenProcessPool:  # the system has ended one, for its memory, say
        log.warning("a process that draws has died; %d of %d runs have figures", count, len(todo))
    except Stopped:
        log.info("stopped; figures of %d of %d runs are drawn", count, len(todo))
        raise


def missing(run: Run, results: xr.Dataset, runs: int) -> list[Path]:
    """Return which files a run wants that are not there, or are of earlier results.

    Args:
        run: whose settings say what is drawn of it.
        results: of it.
        runs: so many are in its command.
    """
    wanted: Drawing = run.settings.figures.make(runs)
    if not (run.directory and wanted.of_run):
        return []
    made = (run.directory / FILE).stat().st_mtime_ns
    names = (*NAMES, *IN_A_PLANE) if results.sizes["hidden"] == 2 else NAMES
    names = (*names, *OF_NEURONS) if has_neurons(results) else names
    folder = run.directory / "figures"
    paths = [folder / f"{name}.{kind}" for name in names for kind in wanted.formats]
    return [path for path in paths if not path.exists() or path.stat().st_mtime_ns < made]


def draw_run(results: xr.Dataset, paths: Sequence[Path]) -> str | None:
    """Draw figures of one run; return why that is not possible, in one line.

    Args:
        results: of the run.
        paths: of the files, one figure's in a row.
    """
    from sup.figures import RUN_FIGURES, write  # matplotlib, where there are figures

    try:
        shown = finite(results)
        for name, files in groupby(paths, key=lambda path: path.stem):
            figure = RUN_FIGURES[name](shown)
            for path in files:
                write(figure, path)
    except Exception as error:  # the results are complete without them
        return in_one_line(error)
    return None


def say(run: Run, reason: str | None) -> None:
    """Say why a run's figures are missing, if they are."""
    if reason:
        log.warning("figures of %s: %s", run.name, reason)
