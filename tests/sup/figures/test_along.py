"""Curves along any numeric setting: what is drawn is the mean over seeds, whatever was swept."""

import numpy as np
import pytest
import xarray as xr
from matplotlib.figure import Figure
from matplotlib.text import Text
from test_any_results import HOSTILE, diverged, draw, results_of

from sup.analysis.experiment import curve_axis
from sup.analysis.superposition import in_superposition
from sup.figures.along import MEASURES, MOST_COLUMNS, along_figure
from sup.figures.sweep import sweep_figures

GAINS = [0.01, 0.1, 1.0, 10.0]
SEEDS = [0, 1, 2]


def swept(**axes) -> xr.Dataset:
    return results_of(names=("relu", "tanh"), **{"init_gain": GAINS, "seed": SEEDS} | axes)


def written(figure: Figure) -> str:
    return "\n".join(text.get_text() for text in figure.findobj(Text))


def test_a_line_is_the_mean_over_seeds_of_each_activation_at_each_sparsity():
    results = swept()
    figure = along_figure(results)
    panels = np.array(figure.axes, dtype=object).reshape(-1, 2)
    for column, sparsity in enumerate(results["sparsity"].values):
        expected = results["mean_interference"].sel(sparsity=sparsity).mean("seed")
        row = [one.get_ylabel() for one in panels[:, 0]].index(r"mean $|W_i \cdot W_j|$")
        for line, activation in zip(panels[row, column].get_lines(), ("relu", "tanh"), strict=True):
            assert line.get_xdata() == pytest.approx(GAINS)
            own = expected.sel(activation=activation).transpose("init_gain")
            assert line.get_ydata() == pytest.approx(own.values)
    assert panels[0, 0].get_xscale() == "log"
    assert len(panels[0, 0].collections) == 2  # a band for each activation
    assert "initial gain" in written(figure)
    assert "mean of 3 seeds" in written(figure)
    draw(figure)


def test_a_figure_of_one_column_says_what_is_fixed_and_holds_its_note():
    results = swept(sparsity=[0.9]).isel(sparsity=0)
    figure = along_figure(results.assign(features_explained=results["loss"] * 0 + 3))
    assert figure.axes[0].get_title() == "S = 0.9"
    draw(figure)
    for text in figure.texts:
        box = text.get_window_extent()
        assert box.x0 >= 0
        assert box.x1 <= figure.bbox.x1


def test_counts_of_features_end_at_none_and_at_all():
    results = swept()
    wide = results.assign(features_explained=results["loss"] * 0 + 5 * (results["seed"] - 1))
    figure = along_figure(wide, measures=[one for one in MEASURES if one.is_count])
    for panel in figure.axes:
        assert panel.get_ylim() == pytest.approx((0, 1.05 * results.sizes["feature"]))


def test_a_short_logarithmic_axis_has_numbers():
    results = swept()
    flat = results.assign(mean_interference=results["loss"] * 0 + 0.12 + 0.1 * results["seed"])
    figure = along_figure(flat, measures=[one for one in MEASURES if one.log_from])
    draw(figure)
    shown = [text.get_text() for text in figure.axes[0].get_yticklabels() if text.get_text()]
    assert {"0.1", "0.2"} <= {*shown}


def test_of_one_seed_there_is_no_band():
    figure = along_figure(swept().isel(seed=0))
    assert not any(panel.collections for panel in figure.axes)
    assert "seeds;" not in written(figure)


def test_measures_that_results_lack_are_left_out():
    """`features_explained` is not among what the results here hold."""
    assert len(along_figure(swept()).axes) == 2 * (len(MEASURES) - 1)


def test_further_settings_are_columns_and_not_more_than_can_be_read():
    figure = along_figure(swept(n_hidden=[1, 2, 3], optimizer=["adam", "sgd"], seed=[0]))
    assert figure.axes[0].get_title() == "m = 1\noptimizer adam\nS = 0"
    assert len(figure.axes) == MOST_COLUMNS * (len(MEASURES) - 1)


def test_a_sweep_along_a_setting_has_the_figure_and_others_do_not():
    assert "along_init_gain" in sweep_figures(swept())
    assert "along_init_gain" not in sweep_figures(swept(init_gain=[0.1, 1.0]))
    assert curve_axis(results_of(names=("relu",), sparsity=[0.0, 0.5, 0.9])) is None
    assert curve_axis(swept(optimizer_lr=[0.1, 0.2, 0.3, 0.4, 0.5])) == "optimizer_lr"
    with pytest.raises(ValueError, match=r"axis=sead: .* theirs: activation, init_gain"):
        along_figure(swept(), "sead")
    with pytest.raises(ValueError, match="no such axis"):
        along_figure(results_of())


@pytest.mark.parametrize("gains", [[-1.0, 0.0, 2.0], [np.nan, 1.0, 2.0], [0, 10**6, 2]])
def test_any_results_can_be_drawn(gains):
    results = results_of(names=(HOSTILE, "_mine"), init_gain=gains, seed=SEEDS)
    for held in (results, diverged(results), results.where(results["seed"] > 0)):
        draw(along_figure(held, measures=MEASURES[3:]))


def test_what_is_in_superposition():
    W = xr.DataArray(
        [[[1, -1], [0, 0]], [[1, 0], [0, 1]], [[1, 0.01], [0, 0]]], dims=("k", "m", "i")
    )
    norm = (W**2).sum("m") ** 0.5
    shared = (norm**2) / ((W**2).sum(("i", "m")))  # of one dimension; of two orthogonal ones, 1
    dimensionality = xr.where(W["k"] == 1, 1.0, shared)
    results = xr.Dataset({"feature_norm": norm, "feature_dimensionality": dimensionality})
    found = in_superposition(results.rename(i="feature"))
    assert found.values.tolist() == [1, 0, 0]  # a pair; two alone; one, and one of no strength


def test_models_with_fewer_features_than_others_are_told_too():
    norms = xr.DataArray([[1, 1, 1], [1, 1, np.nan], 3 * [np.nan]], dims=("model", "feature"))
    results = xr.Dataset({"feature_norm": norms, "feature_dimensionality": 0.5 * norms})
    assert in_superposition(results)[:2].values.tolist() == [1, 1]
    assert in_superposition(results)[2].isnull()
