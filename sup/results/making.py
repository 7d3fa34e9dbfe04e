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
from sup.config.options import setting_of
from sup.config.part import Part
from sup.config.rules import is_number
from sup.config.run import Run
from sup.config.settings import Settings
from sup.model.data import variance
from sup.results.optima import compared
from sup.training.outcome import Outcome
from sup.training.schedule import measured, snapshots

NAMED = (
    *("activation", "importance", "features", "magnitude", "model"),
    *("init", "optimizer", "scheduler"),
)
"""Parts whose names are coordinates of the results."""

NUMBERS = ("n_features", "n_hidden", "steps", "batch_size")


def setting_coordinates(settings: Settings) -> dict[str, Any]:
    """Return the coordinates of a run's results.

    Each axis is an index, each setting that is a single number a scalar, each list with a number
    for each feature stands along `feature`, and the names of the parts are scalars too.
    """
    coordinates: dict[str, Any] = {name: getattr(settings, name).name for name in NAMED}
    coordinates |= {name: getattr(settings, name) for name in NUMBERS}
    for name, value in settings.optimizer.parameters.items():
        if is_number(value):
            coordinates[f"optimizer_{name}"] = value
    for key, value in settings.grid.settings.items():
        coordinates[dimension(key)] = np.asarray(value, dtype=int if key == "seed" else float)
    for group in ("importance", "features"):
        part: Part = getattr(settings, group)
        for name, value in part.parameters.items():
            about = setting_of(group, part, name)
            if about and about.per_feature:
                coordinates[f"{group}_{name}"] = ("feature", np.asarray(value, dtype=float))
            elif about and not about.axis and is_number(value):
                coordinates[f"{group}_{name}"] = value
    configs = {f"{group}_config": config_of(settings, group) for group in ("activation", "model")}
    return coordinates | configs


def config_of(settings: Settings, group: str) -> str:
    """Return what makes a part, but for the numbers that are coordinates, as JSON."""
    numbers = [
        key.partition(".")[2] for key in settings.grid.settings if key.startswith(f"{group}.")
    ]
    node = getattr(settings, group).node()
    node = {key: value for key, value in node.items() if key not in numbers}
    return json.dumps(node, sort_keys=True, default=str)


def make_results(run: Run, outcome: Outcome) -> xr.Dataset:
    """Gather a run's results.

    Args:
        run: whose results they are.
        outcome: of all its instances, in the order of its grid.

    Returns:
        A dataset whose dimensions are the run's axes by name, then hidden, feature, step or
        snapshot; see `sup.load_run` for its variables.
    """
    grid, W = run.settings.grid, outcome.W
    axes = [dimension(key) for key in grid.axes]

    def laid_out(values: Tensor, *dims: str) -> tuple[list[str], np.ndarray]:
        array = values.numpy()
        return [*axes, *dims], array.reshape((*grid.shape, *array.shape[1:]))

    first_bad = outcome.diverged_at.double().masked_fill(~outcome.diverged, np.nan)
    wanted = variance(run.settings, grid.points)
    R2 = outcome.measured(explained(outcome.squared_error, wanted))
    variables = {
        "W": laid_out(W, "hidden", "feature"),
        "b": laid_out(outcome.b, "feature"),
        "loss": laid_out(outcome.measured(outcome.loss)),
        "loss_error": laid_out(outcome.measured(outcome.loss_error)),
        "explained": laid_out(R2, "feature"),
        "features_explained": laid_out(features_explained(R2)),
        "training_loss": laid_out(outcome.training_loss, "step"),
        "diverged": laid_out(outcome.diverged),
        "first_bad_step": laid_out(first_bad),
    }
    if outcome.decoder.shape[1]:
        variables["decoder"] = laid_out(outcome.decoder, "hidden", "feature")
    for name, metric in metrics.PER_INSTANCE.items():
        variables[name] = laid_out(outcome.measured(metric(W)))
    for name, metric in metrics.PER_FEATURE.items():
        variables[name] = laid_out(outcome.measured(metric(W)), "feature")
    optima = compared(run.settings, W, outcome.b, outcome.loss)
    if "loss_gap" in optima:
        optima["loss_gap"] = outcome.measured(optima["loss_gap"])
    variables |= {name: laid_out(values) for name, values in optima.items()}
    steps = run.settings.steps
    coordinates = setting_coordinates(run.settings) | {"step": measured(steps)}
    if outcome.snapshots.shape[1]:
        variables["training_W"] = laid_out(outcome.snapshots, "snapshot", "hidden", "feature")
        coordinates["snapshot"] = snapshots(steps)
    coordinates |= {"hidden": np.arange(W.shape[-2]), "feature": np.arange(W.shape[-1])}
    return xr.Dataset(variables, coordinates, attributes(run, outcome))


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
