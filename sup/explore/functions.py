"""Activations in JavaScript, from the same expressions that kernels are compiled from.

Each is a function ``(z, p) => y``: of the pre-activations of one sample, ``[feature]``, and of the
activation's parameters, to its outputs. What it is put together of is in `numbers.js`.
"""

import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
import xarray as xr

from sup.analysis.axes import across, count_of
from sup.config.options import OPTIONS, part_of
from sup.config.rules import SettingError
from sup.model.activations import Activation
from sup.model.building import activation_of
from sup.model.expressions import Language, expressions_of
from sup.model.families.mixing import Groups, NormalisedSoLU
from sup.results.loading import parameters_of, part_in_results
from sup.training.written import is_solu, kernel_parameters

JAVASCRIPT = Language(
    number=repr,
    parameter="p[{}]",
    names={
        **{name: f"Math.{name}" for name in ("exp", "log", "sqrt", "abs", "tanh", "max", "min")},
        "normal_cdf": "normalCdf",
    },
)

CPU = torch.device("cpu")


def function_of(activation: Activation | Groups) -> str | None:
    """Return an activation in JavaScript; None of one that does not say how it is written.

    Raises:
        ValueError: where what it says is no expression.
    """
    if is_solu(activation):
        return "solu"
    if type(activation) is NormalisedSoLU:
        return "normalisedSolu"
    if isinstance(activation, Groups):
        return _of_groups(activation.activations)
    expressions = expressions_of(activation)
    if expressions is None:
        return None
    return f"elementwise((z, p) => {expressions.written(JAVASCRIPT)[0]})"


def _of_groups(activations: Iterable[Activation]) -> str | None:
    """Return activations of consecutive groups of features, each with its own numbers."""
    written = []
    for one in activations:
        function, numbers = function_of(one), kernel_parameters(one, 1)
        if function is None:
            return None
        own = [] if numbers is None else numbers[0].tolist()
        written.append(f"[{function}, {json.dumps(own)}]")
    return f"groups([{', '.join(written)}])"


@dataclass
class Functions:
    """The functions of a page, each once: their JavaScript, or ``null`` and why there is none.

    A function has its place in `sources`, by which models refer to it.
    """

    sources: list[str] = field(default_factory=list)
    reasons: list[str] = field(default_factory=list)

    def place(self, source: str | None, reason: str = "") -> int:
        """Return the place of a function, which is added where it is new."""
        entry = (source or "null", "" if source else reason)
        entries = list(zip(self.sources, self.reasons, strict=True))
        if entry not in entries:
            self.sources.append(entry[0])
            self.reasons.append(entry[1])
            return len(entries)
        return entries.index(entry)


def functions_along(
    results: xr.Dataset, present: np.ndarray, functions: Functions
) -> dict[str, np.ndarray]:
    """Return which function each model's activation is, and with which numbers.

    Args:
        results: of any models.
        present: which of them there are, ``[model]``.
        functions: of the page, to which theirs are added.

    Returns:
        ``activation [model]``, their places, and ``parameters [model, parameter]``.
    """
    count = count_of(results)
    if not {"activation", "activation_config"} <= set(results.coords):
        place = functions.place(None, "the results do not say which activation")
        return {"activation": np.full(count, place), "parameters": np.zeros((count, 0))}
    names, nodes = across(results, "activation"), across(results, "activation_config")
    points = parameters_of(results, "activation")
    groups: dict[tuple[str, str, tuple[str, ...]], list[int]] = {}
    for model in np.flatnonzero(present).tolist():
        key = (str(names[model]), str(nodes[model]), tuple(points[model]))
        groups.setdefault(key, []).append(model)
    places, parameters = np.zeros(count), np.zeros((count, 0))
    for (name, node, _), models in groups.items():
        place, numbers = _of_group(name, node, [points[k] for k in models], functions)
        places[models] = place
        missing = numbers.shape[1] - parameters.shape[1]
        parameters = np.pad(parameters, ((0, 0), (0, max(missing, 0))))
        parameters[models, : numbers.shape[1]] = numbers
    return {"activation": places, "parameters": parameters}


def _of_group(
    name: str, node: str, points: list[dict[str, float]], functions: Functions
) -> tuple[int, np.ndarray]:
    """Return the function of some models that share an activation, and their numbers."""
    columns = {key.partition(".")[2]: [point[key] for point in points] for key in points[0]}
    none = np.zeros((len(points), 0))
    try:
        part = part_in_results(name, node, {}).changed(**columns)
        activation: Any = activation_of(part, points, CPU, torch.float64)
        source = function_of(activation)
        numbers = kernel_parameters(activation, len(points))
    except SettingError:
        return functions.place(None, f"the results do not say how {name} is computed"), none
    except Exception:  # no such name in torch, or another that it is not called with
        return functions.place(None, f"{name} cannot be made"), none
    place = functions.place(source, f"{name} has no expressions")
    return place, none if numbers is None else numbers.numpy()


def structures_along(results: xr.Dataset, functions: Functions) -> dict[str, Any]:
    """Return what models are made of beside the plain one's parts: hidden activation and task.

    Returns:
        ``structure [model]``, and `structures`, for each the place of its hidden activation's
        function and its task.
    """
    words = [_words(results, "hidden_activation", "linear"), _words(results, "task", "identity")]
    distinct, places = np.unique(np.stack(words, 1), axis=0, return_inverse=True)
    structures = []
    for name, task in distinct.tolist():
        if name in OPTIONS["activation"]:
            hidden = activation_of(part_of("activation", name), [], CPU)
            numbers = kernel_parameters(hidden, 1)
            own = [] if numbers is None else numbers[0].tolist()
            place = functions.place(function_of(hidden), f"{name} has no expressions")
        else:
            place, own = functions.place(None, f"the hidden activation {name} is unknown"), []
        structures.append({"hidden": place, "parameters": own, "task": task})
    return {"structure": places.reshape(count_of(results)), "structures": structures}


def _words(results: xr.Dataset, setting: str, plain: str) -> np.ndarray:
    """Return a setting of each model ``[model]``: that of plain models where it has none."""
    name = f"model_{setting}"
    if name not in results.coords:
        return np.full(count_of(results), plain)
    words = across(results, name).astype(str)
    return np.where((words == "") | (words == "nan"), plain, words)
