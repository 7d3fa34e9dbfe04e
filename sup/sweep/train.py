"""From runs to results: puts runs in stacks, has them trained, and reports on them."""

from collections.abc import Sequence
from math import ceil

import xarray as xr

from sup.cli.errors import RunError
from sup.config.run import Run
from sup.launch import Placement
from sup.launch.local import count_of, placement_for
from sup.results.storage import load_run
from sup.sweep import failures
from sup.sweep import resume as restart
from sup.sweep.cutting import FOLDER, remove_parts
from sup.sweep.splitting import fitting
from sup.sweep.summary import report
from sup.sweep.work import finish, work
from sup.system.signals import stoppable
from sup.training.stack import Stack

Outcome = xr.Dataset | RunError
"""What became of a run: its results, or why there are none."""


def train(runs: Sequence[Run], placement: Placement | None = None) -> list[Outcome]:
    """Train runs, as few stacks as their settings allow, and report on them.

    Runs that are finished stay as they are, and stacks that were interrupted go on.

    Args:
        runs: in the order of their jobs.
        placement: where stacks are trained; None: on this machine.

    Returns:
        The outcome of each run, in the order of `runs`.
    """
    place = placement or placement_for(runs[0].config)
    stacks = planned(runs, 1 if placement else count_of(runs[0].config))
    waiting = [run for run in runs if not has_results(run)]
    for run in runs:
        remove_remains(run)
    if finished := len(runs) - len(waiting):
        print(f"{finished} of {len(runs)} runs finished before")
    left = [one for stack in stacks if (one := unfinished(stack))]
    if len(left) > 1:
        instances, ending = sum(stack.size for stack in left), "s" * (len(waiting) > 1)
        print(f"{len(waiting)} run{ending}, {instances} instances, {len(left)} stacks")
    with stoppable():
        reasons = place(left, work)
        finish(stacks, tuple(runs))
    ended = zip(left, reasons, strict=True)
    lost = {run.whole or run: why for stack, why in ended if why for run in stack.runs}
    outcomes = [outcome_of(run, lost.get(run)) for run in runs]
    report(runs, outcomes)
    return outcomes


def planned(runs: Sequence[Run], devices: int) -> list[Stack]:
    """Put runs in stacks, at least as many as there are devices to train them side by side.

    A run is cut for the devices' sake only where their number was asked for: its parts have no
    curves while they are trained.
    """
    sizes = [run.grid.size for run in runs]
    asked = runs[0].config.stack.devices != "auto"
    share = max(ceil(sum(sizes) / devices), 1 if asked else max(sizes))
    return fitting(
        runs, lambda stack: stack.size <= min(share, stack.config.stack.max_instances or share)
    )


def remove_remains(run: Run) -> None:
    """Remove what earlier commands have left: parts of a finished run, or why a run has failed."""
    if has_results(run):
        remove_parts(run)
    else:
        for directory in (run.directory, *(run.directory / FOLDER).glob("*")):
            failures.forget(directory)


def unfinished(stack: Stack) -> Stack | None:
    """Return what is still to be trained of a stack."""
    runs = tuple(run for run in stack.runs if not (has_results(run) or has_results(run.whole)))
    return Stack(runs) if runs else None


def has_results(run: Run | None) -> bool:
    """Tell whether a run's results are there; a run that is no part has no whole."""
    return run is not None and restart.is_finished(run.directory, run.config)


def outcome_of(run: Run, lost: str | None) -> Outcome:
    """Return a run's results, or why it has none.

    Args:
        run: which should have been trained.
        lost: what became of the process that trained it, where that did not come to its end.
    """
    if has_results(run):
        return load_run(run.directory)
    reason = failures.reason(run.directory)
    if reason is None:
        reason = lost or "it was not trained"
        failures.record(run.directory, reason)
    return RunError(run.name, reason)
