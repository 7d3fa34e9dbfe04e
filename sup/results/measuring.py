"""The measures of models that were trained elsewhere: those of a run, as far as is known."""

import json
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
from sup.config.options import OPTIONS, has_sparsity, part_of
from sup.config.part import Part
from sup.config.rules import SettingError, in_one_line
from sup.config.settings import Settings
from sup.model.activations import Activation, StackedActivation
from sup.model.autoencoder import StackedAutoencoder
from sup.model.building import Points, call_part, structure_of
from sup.model.data import held_out, is_plain, rows, sparsities, variance
from sup.model.structure import Plain
from sup.model.variants import Variant
from sup.results.loading import load_model, parameters_of
from sup.training.distinct import Distinct
from sup.training.evaluation import Evaluation, evaluate
from sup.training.plain_samples import evaluate_on_samples

log = logging.getLogger(__name__)


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
    importance = importance_of(models)
    try:
        described = settings_of(models)
        if described is None:
            return {}
        settings, points = described
        found = evaluated(models, activations, settings, points, importance)
    except SettingError as error:  # what the file names, and nobody gave, or what it cannot be
        log.warning("no loss, nothing explained: %s", in_one_line(error))
        return {}
    axes = axes_of(models)
    shape = [models.sizes[dim] for dim in axes]
    R2 = explained(found.squared_error, variance(settings, points))
    made = {"explained": ([*axes, "feature"], R2.reshape(*shape, -1))}
    made["features_explained"] = (axes, features_explained(R2).reshape(shape))
    if importance is not None:
        made["loss"] = (axes, found.loss.reshape(shape))
        made["loss_error"] = (axes, found.loss_error.reshape(shape))
    return made


def settings_of(models: xr.Dataset) -> tuple[Settings, Points] | None:
    """Return what all models and their data have in common, and the numbers that each has.

    Returns:
        None where too little is known.

    Raises:
        SettingError: where it is known, but of a user's own.
    """
    parts: dict[str, Part] = {}
    for group in ("features", "magnitude", "model"):
        if group not in models.coords and group != "features":
            parts[group] = part_of(group, {"magnitude": "unit", "model": "plain"}[group])
        elif (part := _option(models, group)) is not None:
            parts[group] = part
        elif group in models.coords:
            named = models[group].values.tolist()
            allowed = "must be one of ours, and the same for all models"
            raise SettingError(group, named, allowed)
        else:
            return None
    is_rare = has_sparsity(parts["features"])
    if is_rare and "sparsity" not in models.coords:
        return None
    sizes = {"n_features": models.sizes["feature"], "n_hidden": models.sizes["hidden"]}
    settings = Settings(**parts, **sizes)
    axes = settings.grid.points[0]
    points = [{} for _ in range(count_of(models))]
    for group in parts:
        for point, numbers in zip(points, parameters_of(models, group), strict=True):
            known = {key: value for key, value in axes.items() if key.startswith(f"{group}.")}
            point.update(known | {key: numbers[key] for key in known.keys() & numbers.keys()})
    if is_rare:
        for point, S in zip(points, across(models, "sparsity"), strict=True):
            point["sparsity"] = float(S)
    return settings, points


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
    held = {key: models.coords.get(f"{group}_{key}") for key in part.parameters}
    own = {
        key: one.values.tolist()
        for key, one in held.items()
        if one is not None
        and (one.dims == ("feature",) or not OPTIONS[group][name].settings[key].axis)
    }
    return part.changed(**(own | _told(models, group, part)))


def _told(models: xr.Dataset, group: str, part: Part) -> dict[str, Any]:
    """Return the parameters of a part that results tell as JSON, those of the model alone."""
    if f"{group}_config" not in models.coords:
        return {}
    config = str(models[f"{group}_config"].values) if not models[f"{group}_config"].ndim else ""
    try:
        read = json.loads(config)
        return {name: read[name] for name in part.parameters if name in read}
    except (ValueError, TypeError) as error:
        raise SettingError(group, part.name, "must be the same for all models") from error


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
    settings: Settings,
    points: Points,
    importance: Tensor | None,
) -> Evaluation:
    """Evaluate models as a run evaluates those of their kind."""
    made, count = load_model(models, activations), count_of(models)
    m, n = made.W.shape[-2:]
    weights = {"W": made.W.detach().reshape(count, m, n), "b": made.b.detach().reshape(count, n)}
    if made.D is not None:
        weights["D"] = made.D.detach().reshape(count, m, n)
    counts = torch.ones(count, n) if importance is None else importance
    error = torch.full((count, n), torch.nan, dtype=torch.float64)
    loss, loss_error = torch.full((2, count), torch.nan, dtype=torch.float64)
    for activation, places in made.activations:
        own = {name: held[places] for name, held in weights.items()}
        some = [points[k] for k in places.tolist()]
        found = evaluated_together(own, activation, made.hidden, settings, some, counts[places])
        error[places], loss[places] = found.squared_error, found.loss
        loss_error[places] = found.loss_error
    return Evaluation(error, loss, loss_error)


def evaluated_together(
    weights: Mapping[str, Tensor],
    activation: Activation,
    hidden: Activation,
    settings: Settings,
    points: Points,
    importance: Tensor,
) -> Evaluation:
    """Evaluate models of one activation; see `evaluated`."""
    W, stacked = weights["W"], StackedActivation([(activation, len(points))])
    structure = structure_of(settings.model, points)
    if isinstance(structure, Plain):
        stack = StackedAutoencoder(W, stacked)
    else:
        stack = Variant(W, weights.get("D"), stacked, hidden, structure)
    stack.b.data.copy_(weights["b"])
    if isinstance(structure, Plain) and is_plain(settings):
        own = [(activation, torch.arange(len(points)))]
        density = 1 - sparsities(settings, points)
        return evaluate(stack, density, importance, partial(_as_made, own))
    return evaluate_on_samples(
        stack, held_out(settings, rows(settings, points), W.dtype), importance
    )
