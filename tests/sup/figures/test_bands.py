"""Curves over seeds: a mean, a band that is its interval, and words that say so."""

import numpy as np
import pytest
import xarray as xr
from matplotlib.collections import PolyCollection
from matplotlib.text import Text

from sup.analysis.intervals import band_of_mean, interval_of_mean
from sup.analysis.published import SOLU_IN_SHORT
from sup.figures.bands import mean_over_seeds
from sup.figures.dimensions import dimensions_figure
from sup.figures.sweep import sweep_figures
from sup.figures.training import training_figure
from tests.sup.figures.test_gallery import CURVES, SPARSITY, results_of


def said(figure) -> str:
    return " ".join(text.get_text() for text in figure.findobj(Text))


def test_a_band_is_the_interval_at_each_point_of_the_seeds_that_are_finite_there():
    values = np.random.default_rng(0).normal(size=(6, 4))
    values[0, 1] = np.nan
    values[:4, 2] = np.inf
    bands = band_of_mean(values)
    assert bands[:, 0] == pytest.approx(interval_of_mean(values[:, 0]), rel=1e-12)
    assert bands[:, 1] == pytest.approx(interval_of_mean(values[1:, 1]), rel=1e-12)
    assert np.isnan(bands[:, 2]).all()  # two are left
    assert mean_over_seeds(values)[2] == values[4:, 2].mean()
    assert (bands[0, [0, 1, 3]] < mean_over_seeds(values)[[0, 1, 3]]).all()


@pytest.mark.parametrize(("draw", "curves"), [(training_figure, 4), (dimensions_figure, 5)])
@pytest.mark.parametrize("seeds", [1, 2, 3, 8])
def test_bands_are_drawn_of_three_seeds_and_more_and_told_in_the_figure(draw, curves, seeds):
    figure = draw(results_of({"seed": list(range(seeds))} | SPARSITY))
    bands = figure.findobj(PolyCollection)
    assert len(bands) == (curves if seeds > 2 else 0)
    assert ("95% interval" in said(figure)) == (seeds > 2)
    assert (f"mean of {seeds} seeds" in said(figure)) == (seeds > 1)


@pytest.mark.parametrize(("seeds", "ends", "curves"), [(1, 1, 0), (3, 1, 6), (3, 2, 6), (1, 3, 5)])
def test_of_how_many_seeds_the_end_of_training_is_stands_in_the_legend(seeds, ends, curves):
    recipe, end = (results_of({"seed": list(range(count))} | SPARSITY) for count in (seeds, ends))
    figure = dimensions_figure(recipe, end)
    paired = seeds == 3 and ends == 2  # then two excesses are left, which have no band
    assert len(figure.findobj(PolyCollection)) == curves - paired
    legend = said(figure)
    assert f"to the end, {'one seed' if ends == 1 else f'{ends} seeds'}" in legend
    assert ("above the end's (one seed)" in legend) == (ends == 1)
    assert ("mean of 3 seeds" in legend) == (seeds == 3)


def test_a_seed_that_diverged_is_counted_and_not_drawn():
    results = results_of({"seed": [0, 1, 2]} | SPARSITY, diverged=[(1, 0)], absent=[(0, 3), (1, 3)])
    results["training_loss"][1, 0] = [1e6, 1e9, np.nan]
    figure = training_figure(results)
    drawn = np.asarray(figure.axes[0].get_lines()[0].get_ydata())
    sound = results["training_loss"].isel(sparsity=0, seed=[0, 2])
    assert drawn == pytest.approx(sound.mean("seed").values)
    assert "S = 0: 1 of 3 seeds diverged" in said(figure)
    assert "2 of 3 seeds have no result" in said(figure)


def test_what_is_explained_stands_beside_the_dimensions_along_sparsity():
    results = results_of({"seed": [0, 1, 2]} | SPARSITY)
    figure = sweep_figures(results)["dimensions"]
    for axis, name in zip(figure.axes, CURVES, strict=False):
        drawn = np.asarray(axis.get_lines()[0].get_ydata())
        assert drawn == pytest.approx(results[name].mean("seed").values)
    assert "features explained, $R^2_i$ > 0.5" in said(figure)


@pytest.mark.parametrize("axes", [{"sparsity": [0.9]}, {"importance_decay": [0.7, 0.9]} | SPARSITY])
def test_what_is_no_curve_along_sparsity_is_not_drawn_as_one(axes):
    assert set(sweep_figures(results_of(axes))) == {"gallery", "vectors"}


def test_published_curves_stand_behind_models_like_theirs_only():
    results = results_of({"sparsity": [0.0, 0.9]})
    assert "published" not in said(dimensions_figure(results.assign_coords(importance="uniform")))
    alike = xr.Dataset({name: results[name] for name in CURVES})
    alike = alike.assign_coords(hidden=range(20), feature=range(200))
    assert "published" not in said(dimensions_figure(alike))
    figure = dimensions_figure(alike.assign_coords(importance="uniform"))
    assert "SoLU" not in said(figure)
    assert "published" in said(figure)
    assert "mean field" in said(figure)


LARGE = {"importance": "uniform", "hidden": range(20), "feature": range(200)}


@pytest.mark.parametrize(
    ("given", "curves"),
    [
        ({}, 1),
        ({"features": "independent", "magnitude": "unit", "model": "plain"}, 1),
        ({"activation": "jump_relu", "activation_threshold": 0.2}, 1),
        ({"activation": "solu"}, 0),
        ({"activation": "mine"}, 0),
        ({"features": "correlated"}, 0),
        ({"magnitude": "constant"}, 0),
        ({"magnitude": "mine"}, 0),
        ({"model": "untied"}, 0),
        ({"importance": "geometric"}, 0),
        ({"hidden": range(2), "feature": range(4)}, 0),
    ],
)
def test_a_mean_field_is_drawn_and_named_only_where_it_is_of_such_models(given, curves):
    results = results_of({"sparsity": [0.0, 0.9]})
    alike = xr.Dataset({name: results[name] for name in CURVES})
    figure = dimensions_figure(alike.assign_coords(LARGE | {"activation": "relu"} | given))
    dashed = [line for line in figure.axes[0].get_lines() if line.get_linestyle() == "--"]
    assert len(dashed) == curves
    assert ("mean field" in said(figure)) == bool(curves)
    if given.get("activation", "relu") in ("jump_relu", "mine"):
        assert "published" not in said(figure)


def test_why_solu_is_apart_from_its_published_curve_stands_in_the_figure():
    results = results_of({"activation": ["relu", "solu"]} | SPARSITY)
    alike = xr.Dataset({name: results[name] for name in CURVES}).assign_coords(LARGE)
    figure = dimensions_figure(alike)
    assert SOLU_IN_SHORT in " ".join(said(figure).split())


def test_curves_that_lie_upon_each_other_are_all_seen():
    names = ["linear", "relu", "gelu", "silu", "tanh"]
    results = results_of(
        {"activation": names, "sparsity": [0.0, 0.2, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9]}
    )
    figure = dimensions_figure(results)
    lines = [line for line in figure.axes[0].get_lines() if line.get_marker() != "None"]
    widths, first = (
        [line.get_linewidth() for line in lines],
        [line.get_markevery() for line in lines],
    )
    assert len(lines) == len(names)
    assert widths == sorted(set(widths), reverse=True)
    assert len(set(map(str, first[:4]))) == 4
