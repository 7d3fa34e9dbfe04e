"""Gather what a run leaves behind: from trained weights to the dataset of its results."""

import json
import platform
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.metadata import version
from typing import Any

import numpy as np
import torch
import xarray as xr
from torch import Tensor

from sup.analysis import metrics
from sup.config.grid import PARTS, as_dict, dimension, is_number
from sup.config.run import Run
from sup.model.building import target_name


def setting_coordinates(run: Run) -> dict[str, Any]:
    """Return the coordinates of a run's results.

    Each axis is an index, each setting that is a single number a scalar, and so are the names of
    the activation, importance, initialisation, optimizer and scheduler.
    """
    config = run.config
    names = {
        part: run.choices.get(part, target_name(config[part]))
        for part in (*PARTS, "optimizer", "scheduler")
    }
    numbers = {key: config[key] for key in ("n_features", "n_hidden", "steps", "batch_size")}
    optimizer = as_dict(config.optimizer)
    numbers |= {f"optimizer.{name}": value for name, value in optimizer.items() if is_number(value)}
    coordinates: dict[str, Any] = names | {dimension(key): value for key, value in numbers.items()}
    for key, value in run.grid.settings.items():
        coordinates[dimension(key)] = np.asarray(value, dtype=int if key == "seed" else float)
    return coordinates


@dataclass(frozen=True)
class Outcome:
    """What training made of a run's instances.

    Args:
        W: weights ``[instance, hidden, feature]``.
        b: biases ``[instance, feature]``.
        loss: held-out losses ``[instance]``.
        training_loss: ``[measurement, instance]``, averaged since the measurement before.
        snapshots: weights ``[snapshot, instance, hidden, feature]``; none of large models.
        diverged_at: the first step that was not finite ``[instance]``; 0 where all were.
    """

    W: Tensor
    b: Tensor
    loss: Tensor
    training_loss: Tensor
    snapshots: Tensor
    diverged_at: Tensor

    @property
    def diverged(self) -> Tensor:
        """Which instances were frozen because they were not finite ``[instance]``."""
        return self.diverged_at > 0

    def measured(self, values: Tensor) -> Tensor:
        """Return measures ``[instance, ...]``, not a number for those that have diverged."""
        return values.masked_fill(self.diverged.view(-1, *(1,) * (values.ndim - 1)), torch.nan)


def make_results(
    run: Run,
    outcome: Outcome,
    steps: Sequence[int],
    snapshot_steps: Sequence[int],
    attributes: dict[str, Any],
) -> xr.Dataset:
    """Gather a run's results.

    Args:
        run: whose results they are.
        outcome: of its instances, in the order of its grid.
        steps: after how many steps each measurement was made.
        snapshot_steps: after how many steps each snapshot was taken.
        attributes: what else is to be known of how they were made.

    Returns:
        A dataset whose dimensions are the run's axes by name, then hidden, feature, step or
        snapshot.
    """
    W = outcome.W
    grid = run.grid
    axes = [dimension(key) for key in grid.axes]

    def laid_out(values: Tensor, *dims: str) -> tuple[list[str], np.ndarray]:
        array = values.detach().cpu().numpy()
        return [*axes, *dims], array.reshape((*grid.shape, *array.shape[1:]))

    variables = {
        "W": laid_out(W, "hidden", "feature"),
        "b": laid_out(outcome.b, "feature"),
        "loss": laid_out(outcome.measured(outcome.loss)),
        "training_loss": laid_out(outcome.training_loss.mT, "step"),
        "diverged": laid_out(outcome.diverged),
        "first_bad_step": laid_out(
            outcome.diverged_at.double().masked_fill(~outcome.diverged, torch.nan)
        ),
    }
    for name, metric in metrics.PER_INSTANCE.items():
        variables[name] = laid_out(outcome.measured(metric(W)))
    for name, metric in metrics.PER_FEATURE.items():
        variables[name] = laid_out(outcome.measured(metric(W)), "feature")
    if snapshot_steps:
        by_instance = outcome.snapshots.transpose(0, 1)
        variables["training_W"] = laid_out(by_instance, "snapshot", "hidden", "feature")
    lengths = {"hidden": W.shape[-2], "feature": W.shape[-1]}
    coordinates = setting_coordinates(run) | {"step": list(steps)}
    if snapshot_steps:
        coordinates["snapshot"] = list(snapshot_steps)
    coordinates |= {name: np.arange(length) for name, length in lengths.items()}
    return xr.Dataset(variables, coordinates, run_attributes(run) | attributes)


def run_attributes(run: Run) -> dict[str, Any]:
    """Return the attributes of a run's results that do not depend on the training."""
    packages = ("torch", "lightning", "hydra-core", "numpy", "superposition")
    versions = {name: version(name) for name in packages} | {"python": platform.python_version()}
    return {
        "name": run.name,
        "config": json.dumps(run.settings, indent=1),
        "versions": json.dumps(versions),
    }
