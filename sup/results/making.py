"""From trained weights to the dataset of a run's results."""

import json
import platform
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from typing import Any

import numpy as np
import xarray as xr
from torch import Tensor

from sup.analysis import metrics
from sup.analysis.reconstruction import explained, features_explained
from sup.config.grid import dimension
from sup.config.run import Run
from sup.config.settings import Settings
from sup.model.data import variance
from sup.results.coordinates import setting_coordinates
from sup.results.optima import compared
from sup.training.outcome import Outcome
from sup.training.schedule import measured, snapshots

Measured = dict[str, tuple[tuple[str, ...], Tensor]]
"""What instances have, by name: the dimensions within each, and values ``[instance, ...]``."""


def make_results(run: Run, outcome: Outcome) -> xr.Dataset:
    """Gather a run's results.

    Args:
        run: whose results they are.
        outcome: of all its instances, in the order of its grid.

    Returns:
        A dataset whose dimensions are the run's axes by name, then hidden, feature, step or
        snapshot; see `sup.load_run` for its variables.
    """
    settings, coordinates = run.settings, setting_coordinates(run.settings)
    grid, (m, n) = settings.grid, outcome.W.shape[-2:]
    axes = [dimension(key) for key in grid.axes]
    coordinates |= {"step": measured(settings.steps)}
    if outcome.snapshots.shape[1]:
        coordinates["snapshot"] = snapshots(settings.steps)
    coordinates |= {"hidden": np.arange(m), "feature": np.arange(n)}
    variables = {}
    for name, (dims, values) in {**learned(outcome), **measures(settings, outcome)}.items():
        array = values.numpy()
        variables[name] = [*axes, *dims], array.reshape((*grid.shape, *array.shape[1:]))
    return xr.Dataset(variables, coordinates, attributes(run, outcome))


def learned(outcome: Outcome) -> Measured:
    """Return what training has left: weights, and its course."""
    found: Measured = {
        "W": (("hidden", "feature"), outcome.W),
        "b": (("feature",), outcome.b),
        "training_loss": (("step",), outcome.training_loss),
    }
    if outcome.decoder.shape[1]:
        found["decoder"] = (("hidden", "feature"), outcome.decoder)
    if outcome.snapshots.shape[1]:
        found["training_W"] = (("snapshot", "hidden", "feature"), outcome.snapshots)
    return found


def measures(settings: Settings, outcome: Outcome) -> Measured:
    """Return what follows from the weights; NaN of what has diverged."""
    R2 = explained(outcome.squared_error, variance(settings, settings.grid.points))
    R2 = outcome.measured(R2)
    found: Measured = {
        "loss": ((), outcome.measured(outcome.loss)),
        "loss_error": ((), outcome.measured(outcome.loss_error)),
        "explained": (("feature",), R2),
        "features_explained": ((), features_explained(R2)),
        "diverged": ((), outcome.diverged),
        "first_bad_step": ((), outcome.diverged_at.double().masked_fill(~outcome.diverged, np.nan)),
    }
    for name, metric in metrics.PER_INSTANCE.items():
        found[name] = ((), outcome.measured(metric(outcome.W)))
    for name, metric in metrics.PER_FEATURE.items():
        found[name] = (("feature",), outcome.measured(metric(outcome.W)))
    optima = compared(settings, outcome.W, outcome.b, outcome.loss)
    if "loss_gap" in optima:
        optima["loss_gap"] = outcome.measured(optima["loss_gap"])
    return found | {name: ((), values) for name, values in optima.items()}


def attributes(run: Run, outcome: Outcome) -> dict[str, Any]:
    """Return what else is to be known of a run's results."""
    return {
        "name": run.name,
        "overrides": json.dumps(run.overrides),
        "config": json.dumps(run.settings.as_config(), indent=1, default=str),
        "versions": versions(),
        "device": outcome.device,
        "wall_time": outcome.seconds,
        "instances_in_stack": outcome.instances_in_stack,
    }


@cache
def versions() -> str:
    """Return the versions of what the results were made with, as JSON."""
    found = {"python": platform.python_version()}
    for name in ("torch", "lightning", "hydra-core", "numpy", "superposition"):
        try:
            found[name] = version(name)
        except PackageNotFoundError:  # a checkout that is not installed
            found[name] = "unknown"
    return json.dumps(found)
