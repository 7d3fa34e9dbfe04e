"""The one number by which a search judges a run."""

from math import isfinite

import xarray as xr


def value(results: xr.Dataset, name: str) -> float | None:
    """Return what a search minimises or maximises.

    Args:
        results: of one run.
        name: of a variable of theirs with one number for each instance; the config's `objective`.

    Returns:
        Its mean over the run's instances. None where that is no finite number: Hydra's Optuna
        sweeper then counts the trial as failed and goes on, where NaN would end the search.
    """
    mean = float(results[name].mean(skipna=False))
    return mean if isfinite(mean) else None
