"""From results to what the page holds of them: axes, settings and arrays.

Models are numbered in the order of the axes, the last one fastest; every array has the model first.
What follows from the weights alone is not here: the page computes it.
"""

from math import prod
from typing import Any

import numpy as np
import xarray as xr

from sup.analysis.axes import axes_of
from sup.analysis.diagrams import DIAGRAMS
from sup.explore.functions import Functions, functions_along, structures_along
from sup.explore.packing import numbers_or_none, packed, packed_where_it_changes

MEASURES = (
    *("loss", "loss_error", "loss_gap", "optimum_loss", "optimum_phase", "diverged"),
    "first_bad_step",
)
"""Measures of a model that its weights do not tell."""


def payload(name: str, results: xr.Dataset, functions: Functions) -> dict[str, Any]:
    """Return what the page holds of some results but for their training, as JSON can say it.

    Args:
        name: what they are called there.
        results: of any models.
        functions: of the page, to which those of their activations are added.
    """
    sizes = [results.sizes[axis] for axis in axes_of(results)]
    arrays = weights(results)
    for one in MEASURES:
        if one in results:
            values = laid_out(results, one).astype(float)
            arrays[one] = packed_where_it_changes(values, sizes, "float32")
    if "explained" in results:
        arrays["explained"] = packed(laid_out(results, "explained", "feature"), "float16")
    W = laid_out(results, "W", "hidden", "feature")
    present = np.asarray(np.isfinite(W).any((1, 2)))
    along = functions_along(results, present, functions)
    structures = structures_along(results, functions)
    for one, values, kind in (
        ("activation", along["activation"], "int16"),
        ("parameters", along["parameters"], "float32"),
        ("structure", structures["structure"], "int16"),
    ):
        arrays[one] = packed_where_it_changes(values, sizes, kind)
    return {
        "name": name,
        "axes": [axis(results, dim) for dim in axes_of(results)],
        "settings": settings(results),
        "features": results.sizes["feature"],
        "hidden": results.sizes["hidden"],
        "parameters": along["parameters"].shape[1],
        "structures": structures["structures"],
        "reach": reach(results),
        "phases": phases(results),
        "steps": [],
        "snapshots": [],
        "notes": [],
        "arrays": arrays,
    }


def laid_out(results: xr.Dataset, name: str, *inner: str) -> np.ndarray:
    """Return a variable along all models, ``[model, *inner]``."""
    axes = axes_of(results)
    held = results[name].drop_vars(list(results[name].coords))
    wanted = {dim: results.sizes[dim] for dim in (*axes, *inner)}
    template = xr.DataArray(np.zeros([*wanted.values()], bool), dims=list(wanted))
    whole = xr.broadcast(template, held)[1].transpose(*wanted)
    return whole.values.reshape(-1, *(results.sizes[dim] for dim in inner))


def weights(results: xr.Dataset) -> dict[str, Any]:
    """Return ``W [model, hidden, feature]``, ``b [model, feature]`` and the decoder, if any."""
    W = laid_out(results, "W", "hidden", "feature")
    found = {"W": W, "b": laid_out(results, "b", "feature")}
    if "decoder" in results:
        D = laid_out(results, "decoder", "hidden", "feature")
        found["decoder"] = np.where(np.isfinite(D), D, W)  # of joined runs, some are tied
    return {name: packed(values, "float32") for name, values in found.items()}


def along_dim(results: xr.Dataset, dim: str) -> list[Any]:
    """Return the values along a dimension, or its places where it has none."""
    values = results[dim].values if dim in results.coords else np.arange(results.sizes[dim])
    return numbers_or_none(values)


def axis(results: xr.Dataset, dim: str) -> dict[str, Any]:
    """Return an axis: its name, its values, and whether these are numbers."""
    values = along_dim(results, dim)
    is_numeric = not any(isinstance(one, (str, bool)) for one in values)
    return {"name": dim, "values": values, "numeric": is_numeric}


def settings(results: xr.Dataset) -> list[dict[str, Any]]:
    """Return the settings that are no axes, each along those axes on which it depends."""
    axes = axes_of(results)
    found = []
    for name, held in results.coords.items():
        dims = [str(dim) for dim in held.dims]
        if name in axes or str(name).endswith("_config") or not set(dims) <= set(axes):
            continue
        values = numbers_or_none(held.values)
        if any(one is not None for one in values) and len(values) == prod(held.shape):
            found.append(
                {"name": str(name), "axes": [axes.index(d) for d in dims], "values": values}
            )
    return found


def phases(results: xr.Dataset) -> list[str]:
    """Return the names of the optimum's phases; none of models that have no such."""
    diagram = DIAGRAMS.get((results.sizes["hidden"], results.sizes["feature"]))
    return list(diagram.names) if diagram and "optimum_phase" in results else []


def reach(results: xr.Dataset) -> list[float]:
    """Return the least and the greatest value of a feature that the page's sliders offer.

    Three standard deviations of what is not bounded.
    """
    kinds = np.ravel(results["magnitude"].values) if "magnitude" in results.coords else ["unit"]
    low, high, value, scale = (_finite(results, name) for name in ("low", "high", "value", "scale"))
    ends = {
        "uniform": [*low, *high, 0.0],
        "fixed": [*value, 0.0],
        "half_normal": [*(3 * scale), 0.0],
        "exponential": [*(3 * scale), 0.0],
        "normal": [*(3 * scale), *(-3 * scale)],
    }
    reached = [end for kind in kinds for end in ends.get(str(kind), [0.0, 1.0])]
    least, most = float(min(reached, default=0)), float(max(reached, default=0))
    return [least, most] if most > least else [0.0, 1.0]


def _finite(results: xr.Dataset, name: str) -> np.ndarray:
    """Return the values of a parameter of the features' magnitude."""
    held = results.coords.get(f"magnitude_{name}")
    values = np.zeros(0) if held is None else np.ravel(held.values.astype(float))
    return values[np.isfinite(values)]
