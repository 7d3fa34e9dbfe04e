"""What is kept of a slice that is trained: of a whole run its results, which its logger has too."""

from collections.abc import Mapping
from pathlib import Path

import pandas as pd
import xarray as xr
from lightning.pytorch.loggers import Logger

from sup.config.identity import training_key
from sup.config.run import Run
from sup.results.making import make_results
from sup.results.storage import save
from sup.results.tables import to_dataframe
from sup.sweep import resume
from sup.training.loggers import log_results, takes_results
from sup.training.names import INSTANCES
from sup.training.outcome import Outcome
from sup.training.slice import Slice

MOST_WITH_THEIR_OWN = 50
"""Runs of a stack up to which each logs its results by itself: the server makes each artifact anew,
and a sweep's own run has those of all jobs in one."""

MOST_ROWS = 200_000
"""Rows that W&B keeps of one table."""


def keep(part: Slice, outcome: Outcome, loggers: Mapping[Run, Logger]) -> xr.Dataset | Outcome:
    """Make, write and log the results of a whole run; write what became of a part of one.

    Args:
        part: what was trained.
        outcome: what became of it.
        loggers: of the runs of its stack.
    """
    if not part.is_whole:
        if path := resume.place_of(part):
            outcome.save(path, training_key(part.run.settings), part.keys)
        return outcome
    results = make_results(part.run, outcome)
    if part.run.directory:
        path = save(results, part.run.directory)
        if len(loggers) <= MOST_WITH_THEIR_OWN:
            log_whole(loggers[part.run], results, path)
    return results


def log_whole(logger: Logger, results: xr.Dataset, path: Path) -> None:
    """Log a run's results where its logger takes them: the file, and a grid's table."""
    if takes_results(logger):
        is_grid = results["loss"].size > 1
        tables = {INSTANCES: instance_table(results)} if is_grid else {}
        log_results(logger, {path.name: path}, tables)


def instance_table(results: xr.Dataset) -> pd.DataFrame:
    """Return one row for each finite model: its place on the axes, its loss and its measures."""
    single = [name for name, held in results.coords.items() if held.ndim == 0]
    return to_dataframe(results.drop_vars(single)).query("diverged == 0").head(MOST_ROWS)
