"""The figures of runs, drawn when all are trained, by as many processes as are given."""

import logging
import multiprocessing
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path

import xarray as xr

from sup.config.rules import in_one_line
from sup.config.run import Run
from sup.results.storage import FILE, finite
from sup.sweep.failures import RunError
from sup.system.signals import Stopped

log = logging.getLogger(__name__)

NAMES = ("gram", "features", "training")
"""The figures of every run, by file name."""

MOST_BY_ITSELF = 50
"""Runs up to which figures are drawn of each where nothing is said: a thousand would be 3,000
files, which took half the time of the sweep."""

FEW = 4
"""Runs up to which no further process pays: it takes two seconds to start."""


def draw(runs: Sequence[Run], results: Sequence[xr.Dataset | RunError], processes: int = 1) -> None:
    """Draw the figures that runs do not have yet, or have of earlier results.

    What cannot be drawn is said so: the results are complete without it.

    Args:
        runs: of one command.
        results: of each.
        processes: how many may draw at once.
    """
    todo = {
        run: (held, run.directory)
        for run, held in zip(runs, results, strict=True)
        if isinstance(held, xr.Dataset)
        and run.directory
        and is_wanted(run, len(runs))
        and missing(run.directory)
    }
    count = 0
    try:
        if len(todo) <= FEW or processes == 1:
            for run, (held, directory) in todo.items():
                say(run, draw_run(held, directory))
                count += 1
            return
        context = multiprocessing.get_context("spawn")  # threads do not survive a fork
        with ProcessPoolExecutor(min(processes, len(todo)), context) as pool:
            given = zip(*todo.values(), strict=True)
            for run, reason in zip(todo, pool.map(draw_run, *given), strict=True):
                say(run, reason)
                count += 1
    except BrokenProcessPool:  # the system has ended one, for its memory, say
        log.warning("a process that draws has died; %d of %d runs have figures", count, len(todo))
    except Stopped:
        log.info("stopped; figures of %d of %d runs are drawn", count, len(todo))
        raise


def is_wanted(run: Run, runs: int) -> bool:
    """Tell whether a run's own figures are wanted, among so many runs of a command."""
    chosen = run.settings.figures
    return chosen == "end" or (chosen == "auto" and runs <= MOST_BY_ITSELF)


def missing(directory: Path) -> list[str]:
    """Return which figures are not there, or are of earlier results."""
    made = (directory / FILE).stat().st_mtime_ns
    paths = {name: directory / "figures" / f"{name}.png" for name in NAMES}
    return [
        name for name, path in paths.items() if not path.exists() or path.stat().st_mtime_ns < made
    ]


def draw_run(results: xr.Dataset, directory: Path) -> str | None:
    """Draw the missing figures of one run; return why that is not possible, in one line."""
    from sup.figures import RUN_FIGURES, write  # matplotlib, where there are figures

    try:
        shown = finite(results)
        for name in missing(directory):
            write(RUN_FIGURES[name](shown), directory / "figures" / f"{name}.png")
    except Exception as error:  # the results are complete without them
        return in_one_line(error)
    return None


def say(run: Run, reason: str | None) -> None:
    """Say why a run's figures are missing, if they are."""
    if reason:
        log.warning("figures of %s: %s", run.name, reason)
