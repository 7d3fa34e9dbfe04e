"""The one number by which a search judges a run."""

from math import isfinite

import xarray as xr

from sup.cli.errors import RunError


def value(outcome: xr.Dataset | RunError, name: str) -> float | None:
    """Return what a search minimises or maximises.

    Args:
        outcome: the results of one run, or why it has none.
        name: the config's `objective`, a variable of the results with a number for each instance.

    Returns:
        Its mean over the run's instances. None where that is no finite number: Hydra's Optuna
        sweeper then counts the trial as failed and goes on, where NaN would end the search.

    Raises:
        RunError: where the run has no results.
    """
    if isinstance(outcome, RunError):
        raise outcome
    mean = float(outcome[name].mean(skipna=False))
    return mean if isfinite(mean) else None
