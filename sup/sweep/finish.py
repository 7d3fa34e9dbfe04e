"""What became of runs: results are taken, read or put together, and failures written down."""

import logging
import shutil
from collections.abc import Sequence
from typing import Any

import xarray as xr
from lightning.pytorch.loggers import Logger

from sup.analysis.metrics import PER_INSTANCE
from sup.config.grid import dimension
from sup.config.rules import SettingError, in_one_line
from sup.config.run import Run
from sup.launch.placement import Lost
from sup.results.making import make_results
from sup.results.storage import load_run, save
from sup.sweep import failures
from sup.sweep.failures import RunError
from sup.sweep.keep import log_whole
from sup.sweep.resume import SLICES, is_finished
from sup.training.loggers import log_image, open_loggers, takes_pictures
from sup.training.names import GRAM, LOSS, TRAINING_LOSS
from sup.training.outcome import Outcome, joined
from sup.training.stack import Stack

log = logging.getLogger(__name__)

Result = xr.Dataset | RunError
"""What became of a run: its results, or why there are none."""


def finish(runs: Sequence[Run], stacks: Sequence[Stack], ended: Sequence[Any]) -> list[Result]:
    """Return what became of each run.

    Args:
        runs: of which some were finished before.
        stacks: made of the others.
        ended: what became of each stack: of each of its slices, or how it was `Lost`.
    """
    made: dict[Run, dict[int, Any]] = {}
    for stack, what in zip(stacks, ended, strict=True):
        each = [what] * len(stack.slices) if isinstance(what, Lost) else what
        for part, result in zip(stack.slices, each, strict=True):
            made.setdefault(part.run, {})[part.places.start] = result
    ordered = {run: [made[run][start] for start in sorted(made[run])] for run in made}
    return [result_of(run, ordered.get(run, [])) for run in runs]


def result_of(run: Run, made: Sequence[Any]) -> Result:
    """Return what became of a run, by what became of its slices; of none where it was finished."""
    for result in made:
        if isinstance(result, RunError):
            return recorded(run, result)
        if isinstance(result, xr.Dataset):
            return result
    if made and all(isinstance(result, Outcome) for result in made):
        return put_together(run, made)
    lost_some = any(isinstance(result, Lost) for result in made)
    if run.directory and (not lost_some or is_finished(run)):
        try:
            return load_run(run.directory)
        except (SettingError, FileNotFoundError) as error:  # changed, since this command began
            return RunError(run.name, in_one_line(error))
    (lost, *_) = [result for result in made if isinstance(result, Lost)]
    known = failures.reason(run.directory) if run.directory else None
    return recorded(run, RunError(run.name, known or lost.reason))


def recorded(run: Run, error: RunError) -> RunError:
    """See that a failed run's directory says why, and return the error."""
    if run.directory and failures.reason(run.directory) is None:
        failures.record(run.directory, error.reason)
    return error


def put_together(run: Run, outcomes: Sequence[Outcome]) -> xr.Dataset:
    """Make the results of a run whose slices were trained apart, write them, and log its curves."""
    results = make_results(run, joined(outcomes))
    if run.directory is None:
        return results
    path = save(results, run.directory)
    try:
        with open_loggers([run]) as loggers:
            log_curves(loggers[run], run, results)
            log_whole(loggers[run], results, path)
    except Exception as error:  # no connection, say; the results are complete without them
        log.warning("curves of %s: %s", run.name, in_one_line(error))
    shutil.rmtree(run.directory / SLICES, ignore_errors=True)
    return results


def log_curves(logger: Logger, run: Run, results: xr.Dataset) -> None:
    """Log the curves of a run whose slices were trained apart: they had none."""
    steps = results["step"].values.tolist()
    over = [dimension(key) for key in run.settings.grid.axes]
    losses = results["training_loss"].mean(over).values.tolist()
    final = {name: float(results[name].mean()) for name in PER_INSTANCE}
    W = results["W"].values.reshape(run.size, *results["W"].shape[-2:])
    for step, loss in zip(steps, losses, strict=True):
        logger.log_metrics({TRAINING_LOSS: loss}, step)
    logger.log_metrics(final | {LOSS: float(results["loss"].mean())}, steps[-1])
    if not takes_pictures(logger):
        return
    from sup.figures.tiles import grid_picture  # matplotlib, where there are pictures

    log_image(logger, GRAM, grid_picture(W, run.settings.grid), steps[-1])
