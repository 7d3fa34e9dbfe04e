"""What is drawn behind our curves of dimensions per feature: published ones, and a mean field."""

import numpy as np
import torch
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.lines import Line2D

from sup.analysis import published
from sup.analysis.mean_field import has_mean_field, mean_field
from sup.config.options import OPTIONS, part_of
from sup.config.settings import Settings
from sup.figures.style import activation_style, activations_in, of_activation
from sup.model.activations import Activation
from sup.model.data import has_plain_model, is_plain

PUBLISHED = (20, 200)
"""Hidden dimensions and features of the published curves' models, of uniform importance."""

LARGE = (5, 50)
"""Hidden dimensions and features from which on the mean field is drawn: what one feature sees of
the others has to be the sum of many that are present, and all features to be seen alike. At p = .1
what GELU and sigmoid are trained to has .92 and .97 of its loss there, of 4 in 2 .37 and .57."""


def has_published(results: xr.Dataset) -> bool:
    """Tell whether results are of models such as the published curves are of."""
    shape = (results.sizes["hidden"], results.sizes["feature"])
    return _equally_important(results) and shape == PUBLISHED


def draw_published(axis: Axes, results: xr.Dataset) -> list[Line2D]:
    """Draw the published curves, broad and pale, behind ours; return what names them, if any is."""
    if not has_published(results):
        return []
    curves, drawn = published.dimensions_per_feature(), False
    for index, name in enumerate(activations_in(results)):
        if name in curves["activation"]:
            colour = activation_style(name, index)["color"]
            line = curves.sel(activation=name)
            x = curves["inverse_density"]
            axis.plot(x, line, color=colour, lw=5, alpha=0.25, solid_capstyle="round", zorder=0)
            drawn = True
    return [Line2D([], [], color="0.4", lw=4, alpha=0.35, label="published")] if drawn else []


def draw_mean_field(axis: Axes, results: xr.Dataset) -> list[Line2D]:
    """Draw D* of many equal features by a mean field; return what names it, if any is drawn."""
    shape = (results.sizes["hidden"], results.sizes["feature"])
    is_large = all(size >= least for size, least in zip(shape, LARGE, strict=True))
    if not (is_large and _equally_important(results) and _equally_dense(results)):
        return []
    density = 1 - np.sort(results["sparsity"].values)
    drawn = False
    for index, name in enumerate(activations_in(results)):
        activation = _activation(of_activation(results, name), name)
        if activation is not None and has_mean_field(activation):
            D = mean_field(activation, torch.from_numpy(density), max(shape[1] / shape[0], 1.0))[0]
            colour = activation_style(name, index)["color"]
            axis.plot(1 / density, D.numpy(), color=colour, lw=1, ls="--", zorder=1)
            drawn = True
    return [Line2D([], [], color="0.4", lw=1, ls="--", label="mean field")] if drawn else []


def _equally_dense(results: xr.Dataset) -> bool:
    """Tell whether models are plain, of independent features that all have the sparsity."""
    groups = ("features", "magnitude", "model")
    chosen = {group: results[group] for group in groups if group in results.coords}
    if any(held.ndim or held.item() not in OPTIONS[group] for group, held in chosen.items()):
        return False
    settings = Settings(**{group: str(held.item()) for group, held in chosen.items()})
    is_one = settings.features.path == OPTIONS["features"]["independent"].target
    return is_one and is_plain(settings) and has_plain_model(settings)


def _activation(own: xr.Dataset, name: str) -> Activation | None:
    """Return an activation of ours with the one number that each of its parameters has; else None.

    What a user's is, results may tell, but figures run no code that results name.
    """
    if name not in OPTIONS["activation"]:
        return None
    part = part_of("activation", name)
    for key in part.parameters:
        values = np.unique(own.coords.get(f"activation_{key}", xr.DataArray([])))
        if len(values) > 1 or values.dtype.kind not in "fi":
            return None
        if len(values) and np.isfinite(values).all():
            part = part.changed(**{key: values.item()})
    return part.make()


def _equally_important(results: xr.Dataset) -> bool:
    return "importance" in results and str(results["importance"].values) == "uniform"
