"""Trained models, given back from results as a torch module."""

import json
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import torch
import xarray as xr
from jaxtyping import Float
from torch import Tensor, nn

from sup.analysis.axes import across, axes_of, count_of
from sup.config.options import OPTIONS, part_of
from sup.config.part import Part
from sup.config.rules import SettingError
from sup.config.trust import is_trusted
from sup.model.activations import Activation, Linear
from sup.model.building import activation_of


class ToyModels(nn.Module):
    """Trained toy models, ``x' = f(D^T g(W x) + b)``, in torch's own convention: features last.

    D is W, and g the identity, unless they were trained otherwise (`sup.model.structure`).

    Inputs broadcast with the models as in `torch.matmul`: ``x [batch, feature]`` passes through all
    of them, ``x [..., batch, feature]`` with the models' own dimensions gives each its own inputs.

    Args:
        W: weights ``[..., hidden, feature]``, where ``...`` are the models' dimensions.
        b: biases ``[..., feature]``.
        activations: each with the places, among all models, of those that have it.
        decoder: D, where it is not W.
        hidden: g.
    """

    def __init__(
        self,
        W: Float[Tensor, "*axes hidden feature"],
        b: Float[Tensor, "*axes feature"],
        activations: list[tuple[Activation, Tensor]],
        decoder: Float[Tensor, "*axes hidden feature"] | None = None,
        hidden: Activation | None = None,
    ) -> None:
        super().__init__()
        self.W = nn.Parameter(W)
        self.b = nn.Parameter(b)
        self.D = None if decoder is None else nn.Parameter(decoder)
        self.hidden = hidden or Linear()
        self.activations = activations
        found = [activation for activation, _ in activations if isinstance(activation, nn.Module)]
        self.activation_modules = nn.ModuleList(found)

    def encode(self, x: Tensor) -> Tensor:
        """Return the embedding ``h = g(W x)``, ``[..., hidden]``, of ``x [..., feature]``."""
        return self._batched(x, lambda rows: self._hidden(rows @ self.W.mT))

    def decode(self, h: Tensor) -> Tensor:
        """Return the reconstruction ``f(D^T h + b)``, ``[..., feature]``, of ``h [..., m]``."""
        D = self.W if self.D is None else self.D
        return self._batched(h, lambda rows: self._activated(rows @ D + self.b[..., None, :]))

    def forward(self, x: Tensor) -> Tensor:
        """Return the reconstruction ``x'``, ``[..., feature]``, of ``x [..., feature]``."""
        return self.decode(self.encode(x)) if x.ndim > 1 else self(x[None]).squeeze(-2)

    def _hidden(self, h: Float[Tensor, "*axes batch hidden"]) -> Tensor:
        """Apply g, to which samples stand last."""
        flat = h.reshape(-1, *h.shape[-2:]).mT
        return self.hidden(flat).mT.reshape(h.shape)

    def _batched(self, x: Tensor, function: Callable[[Tensor], Tensor]) -> Tensor:
        return function(x) if x.ndim > 1 else function(x[None]).squeeze(-2)

    def _activated(self, z: Float[Tensor, "*axes batch feature"]) -> Tensor:
        """Apply to each model its own activation."""
        axes = self.W.shape[:-2]
        if len(self.activations) == 1 and not axes:
            return self.activations[0][0](z.reshape(1, -1, z.shape[-1]).mT).mT.reshape(z.shape)
        # Dimensions of the input beside the models' own are part of its batch.
        count = z.ndim - 2 - len(axes)
        moved = z.movedim(tuple(range(count)), tuple(range(len(axes), len(axes) + count)))
        flat = moved.reshape(self.W[..., 0, 0].numel(), -1, z.shape[-1]).mT
        result = torch.full_like(flat, torch.nan)
        for activation, places in self.activations:
            result[places] = activation(flat[places])
        back = result.mT.reshape(moved.shape)
        return back.movedim(tuple(range(len(axes), len(axes) + count)), tuple(range(count)))


def load_model(results: xr.Dataset, activations: Mapping[str, Any] | None = None) -> ToyModels:
    """Give the trained models of some results back, to be looked into or trained on.

    Results may be anybody's, so only activations of this project and of torch are taken by the
    path that they name; nothing else there is imported or called.

    Args:
        results: of `sup.train`, `load_run` or `load_sweep`, or a part of them, such as
            ``results.isel(seed=0)``. Dimensions beside hidden and feature are the models' own.
        activations: those of your own, classes, functions or modules, by their name in results.

    Returns:
        A module that maps ``x [..., feature]`` to ``x' [..., feature]``.

    Raises:
        SettingError: where an activation is neither given nor ours or torch's, or cannot be made.
    """
    axes = axes_of(results)
    W = results["W"].transpose(*axes, "hidden", "feature")
    b = results["b"].transpose(*axes, "feature")
    nodes, names = across(results, "activation_config"), across(results, "activation")
    points = parameters_of(results, "activation")
    groups: dict[tuple[str, str, tuple[tuple[str, float], ...]], list[int]] = {}
    is_trained = np.isfinite(W.values).any((-2, -1)).ravel()  # of a sweep, some may be missing
    for place, (name, node, trained) in enumerate(zip(names, nodes, is_trained, strict=True)):
        if trained:
            own = tuple(points[place].items())
            groups.setdefault((str(name), str(node), own), []).append(place)
    dtype = torch.float64 if W.dtype == np.float64 else torch.float32
    made = []
    for (name, node, own), places in groups.items():
        numbers = {key.partition(".")[2]: value for key, value in own}
        part = part_in_results(name, node, activations or {}).changed(**numbers)
        made.append((_made(part, dtype), torch.tensor(places)))
    weights, biases = (torch.tensor(held.values, dtype=dtype) for held in (W, b))
    decoder = None
    if "decoder" in results:
        laid = results["decoder"].transpose(*axes, "hidden", "feature")
        decoder = torch.tensor(laid.values, dtype=dtype)
        is_tied = decoder.isnan().all(-1, keepdim=True).all(-2, keepdim=True)
        decoder = torch.where(is_tied, weights, decoder)  # where results join both
    return ToyModels(weights, biases, made, decoder, hidden_of(results))


def hidden_of(results: xr.Dataset) -> Activation:
    """Return the activation of the hidden dimensions, which all models must have in common.

    Raises:
        SettingError: where they do not, or results do not say what it is.
    """
    names = _hidden_names(results)
    if len(names) > 1:
        raise SettingError(
            "model.hidden_activation", sorted(names), "differs; select results of one of them"
        )
    (name,) = names or {"linear"}
    if name not in OPTIONS["activation"]:
        raise SettingError(
            "model.hidden_activation", name, f"must be one of {', '.join(OPTIONS['activation'])}"
        )
    return activation_of(part_of("activation", name), [], torch.device("cpu"))


def _hidden_names(results: xr.Dataset) -> set[str]:
    """Return what results say of the models' hidden activations; nothing of plain models."""
    if "model_hidden_activation" in results.coords:
        is_trained = results["W"].notnull().any(("hidden", "feature"))  # some may be missing
        held = results.assign(is_trained=is_trained)
        words, trained = (across(held, name) for name in ("model_hidden_activation", "is_trained"))
        return {str(word) or "linear" for word in words[trained]}
    if "model_config" not in results.coords:
        return set()
    # Those of an earlier release, in a file of weights: as JSON.
    configs = [config for config in np.unique(results["model_config"].values.astype(str)) if config]
    try:
        return {json.loads(config).get("hidden_activation", "linear") for config in configs}
    except (ValueError, AttributeError) as error:
        raise SettingError("model", configs, "results do not say what it is") from error


def part_in_results(name: str, node: str, activations: Mapping[str, Any]) -> Part:
    """Return an activation as results describe it; what the user gives is called in its place.

    Raises:
        SettingError: where they do not say what it is, or name what is not run.
    """
    given = activations.get(name)
    if isinstance(given, Part):
        return given
    try:
        part = Part.of(json.loads(node), name)
        path = str(part.target)
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        raise SettingError("activation", name, "results do not say what it is") from error
    if given is not None:
        return replace(part, target=given)
    if not is_trusted(path):
        needed = f"give it, as load_model(..., activations={{{name!r}: ...}}): results name {path}"
        raise SettingError("activation", name, f"{needed}, and what a file names is not run")
    return part


def _made(part: Part, dtype: torch.dtype) -> Activation:
    try:
        return activation_of(part, [{}], torch.device("cpu"), dtype)
    except Exception as error:  # no such name in torch, or another that it is not called with
        raise SettingError("activation", part.name, f"cannot be made: {error}") from error


def parameters_of(results: xr.Dataset, group: str) -> list[dict[str, float]]:
    """Return the numbers that each model's part of a group has as parameters, by key."""
    names = [str(name) for name in results.coords if str(name).startswith(f"{group}_")]
    within = {*axes_of(results)}
    numbers = [
        name
        for name in names
        if results[name].dtype.kind in "fi" and {*results[name].dims} <= within
    ]
    columns = {f"{group}.{name.partition('_')[2]}": across(results, name) for name in numbers}
    return [
        {key: float(column[k]) for key, column in columns.items() if not np.isnan(column[k])}
        for k in range(count_of(results))
    ]
