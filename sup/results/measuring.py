"""The measures of models that were trained elsewhere: those of a run, as far as is known."""

import logging
from collections.abc import Mapping
from functools import partial
from typing import Any

import numpy as np
import torch
import xarray as xr
from torch import Tensor

from sup.analysis import metrics
from sup.analysis.axes import across, axes_of, count_of
from sup.analysis.reconstruction import explained, features_explained
from sup.analysis.theory import feature_variance
from sup.config.options import OPTIONS, part_of
from sup.config.part import Part
from sup.config.rules import SettingError, in_one_line
from sup.model.activations import StackedActivation
from sup.model.autoencoder import StackedAutoencoder
from sup.model.building import call_part
from sup.results.loading import load_model, parameters_of
from sup.training.distinct import Distinct
from sup.training.evaluation import Evaluation, evaluate

log = logging.getLogger(__name__)

INDEPENDENT = "sup.model.inputs.independent"
"""Features whose held-out inputs are known from the density of each alone."""


def measured(models: xr.Dataset, activations: Mapping[str, Any]) -> xr.Dataset:
    """Add to weights and settings what follows from them, by the names of `sup.load_run`.

    Args:
        models: W and b, their settings as coordinates.
        activations: those that are given, by name; see `load_model`.
    """
    axes = axes_of(models)
    W, b = (torch.from_numpy(models[name].values) for name in ("W", "b"))
    sound = W.isfinite().all(-1).all(-1) & b.isfinite().all(-1)
    found = {name: (axes, metric(W)) for name, metric in metrics.PER_INSTANCE.items()}
    inner = [*axes, "feature"]
    found |= {name: (inner, metric(W)) for name, metric in metrics.PER_FEATURE.items()}
    there = xr.DataArray(sound.numpy(), dims=axes)
    whole = {name: models[name].where(there, 0.0) for name in ("W", "b")}
    found |= of_the_data(models.assign(whole), activations)
    made = models.assign({name: (dims, values.numpy()) for name, (dims, values) in found.items()})
    made = made.assign({name: made[name].where(there) for name in found})
    return made.assign(diverged=~there, first_bad_step=xr.full_like(there, np.nan, float))


def of_the_data(
    models: xr.Dataset, activations: Mapping[str, Any]
) -> dict[str, tuple[list[str], Tensor]]:
    """Return what depends on the data, by name: nothing where the sparsity is not known."""
    density, importance = density_of(models), importance_of(models)
    if density is None:
        return {}
    try:
        found = evaluated(models, activations, density, importance)
    except SettingError as error:  # an activation that the file names, and that nobody gave
        log.warning("no loss, nothing explained: %s", in_one_line(error))
        return {}
    axes = axes_of(models)
    shape = [models.sizes[dim] for dim in axes]
    R2 = explained(found.squared_error, torch.as_tensor(feature_variance(density)))
    made = {"explained": ([*axes, "feature"], R2.reshape(*shape, -1))}
    made["features_explained"] = (axes, features_explained(R2).reshape(shape))
    if importance is not None:
        made["loss"] = (axes, found.loss.reshape(shape))
        made["loss_error"] = (axes, found.loss_error.reshape(shape))
    return made


def density_of(models: xr.Dataset) -> Tensor | None:
    """Return p of each model's features, ``[model, feature]``; None where it is not known."""
    part = _option(models, "features")
    if part is None or part.target != INDEPENDENT:
        return None
    given: dict[str, Any] = {}
    if "sparsity" in models.coords:
        given["sparsity"] = torch.from_numpy(across(models, "sparsity").astype(float))[:, None]
    elif "sparsity" not in part.parameters:
        return None
    return 1 - _called(models, "features", part, **given)


def importance_of(models: xr.Dataset) -> Tensor | None:
    """Return I of each model's features, ``[model, feature]``; None where it is not known."""
    part = _option(models, "importance")
    return None if part is None else _called(models, "importance", part)


def _option(models: xr.Dataset, group: str) -> Part | None:
    """Return the part of a group that all models have, if it is one of ours and known."""
    if group not in models.coords or models[group].ndim:
        return None
    name = str(models[group].values)
    if name not in OPTIONS[group]:
        return None
    part = part_of(group, name)
    lists = {
        key: models[f"{group}_{key}"].values.tolist()
        for key in part.parameters
        if f"{group}_{key}" in models.coords and models[f"{group}_{key}"].dims == ("feature",)
    }
    return part.changed(**lists)


def _called(models: xr.Dataset, group: str, part: Part, **given: Any) -> Tensor:
    points = parameters_of(models, group)
    called = call_part(part, group, points, n_features=models.sizes["feature"], **given)
    return called.expand(-1, models.sizes["feature"])


def _as_made(own: list[Distinct], device: torch.device, dtype: torch.dtype) -> list[Distinct]:
    """Return activations as they are: with single numbers they take any precision."""
    return own


def evaluated(
    models: xr.Dataset,
    activations: Mapping[str, Any],
    density: Tensor,
    importance: Tensor | None,
) -> Evaluation:
    """Evaluate models as `sup.training.evaluation` does those of a run."""
    made, count = load_model(models, activations), count_of(models)
    n = made.W.shape[-1]
    W, b = made.W.detach().reshape(count, -1, n), made.b.detach().reshape(count, n)
    error = torch.full((count, n), torch.nan, dtype=torch.float64)
    loss, loss_error = torch.full((2, count), torch.nan, dtype=torch.float64)
    counts = torch.ones_like(density) if importance is None else importance
    for activation, places in made.activations:
        stack = StackedAutoencoder(W[places], StackedActivation([(activation, len(places))]))
        stack.b.data.copy_(b[places])
        own = [(activation, torch.arange(len(places)))]
        found = evaluate(stack, density[places], counts[places], partial(_as_made, own))
        error[places], loss[places] = found.squared_error, found.loss
        loss_error[places] = found.loss_error
    return Evaluation(error, loss, loss_error)
