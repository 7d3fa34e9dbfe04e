"""Phase diagrams by what is reconstructed, beside what weights say."""

import numpy as np
import pytest
import xarray as xr
from matplotlib.collections import QuadMesh

from sup.analysis.pairs import pair_reconstructed
from sup.figures.phase_function import COLOURS, NAMES, phase_function_figure
from sup.figures.sweep import sweep_figures
from tests.sup.figures.test_any_results import RATIOS, diverged, draw, results_of
from tests.sup.figures.test_bands import said

PAIR, ALIGNED, ALONE = [1.0, -1.0], [1.0, 1.0], [1.0, 0.0]


def diagram(weights: list, explained: list) -> xr.Dataset:
    """Make a phase diagram in which each seed has the same weights and R2 in all cells."""
    results = results_of(seed=list(range(len(weights))), **RATIOS).isel(activation=0)
    shape = results["loss"].transpose("seed", ...).shape[1:]
    dims = [name for name in results["loss"].dims if name != "seed"]
    whole = [np.broadcast_to(rows, (*shape, len(weights), 2)) for rows in (weights, explained)]
    return results.assign(
        W=([*dims, "seed", "hidden", "feature"], whole[0][..., None, :]),
        explained=([*dims, "seed", "feature"], whole[1]),
    )


def test_pairs_that_weights_do_not_tell_apart_are_told_by_what_they_reconstruct():
    W = np.array([PAIR, ALIGNED, ALONE, [np.nan, np.nan], PAIR])[:, None]
    explained = np.array([[0.8, 0.8], [0.6, 0.4], [0.9, 0.0], [0.9, 0.9], [np.nan, np.nan]])
    pairs = pair_reconstructed(W, explained)
    assert pairs == pytest.approx([1, 0, np.nan, np.nan, np.nan], nan_ok=True)


def test_the_share_of_seeds_is_of_those_in_superposition():
    weights, explained = [PAIR, ALIGNED, ALIGNED, ALONE], [[0.8, 0.8]] + 2 * [[0.6, 0.2]] + [[1, 0]]
    figure = phase_function_figure(diagram(weights, explained))
    shares = figure.axes[1].findobj(QuadMesh)[0].get_array()
    assert np.asarray(shares) == pytest.approx(np.full((3, 3), 1 / 3))
    assert "at most one: 50% (0% to 100%)" in said(figure)


def test_one_seed_is_drawn_without_interval_and_without_a_word_of_seeds():
    figure = phase_function_figure(diagram([ALIGNED], [[0.6, 0.4]]).isel(seed=0))
    assert "at most one: 100%" in said(figure)
    assert " to " not in said(figure)
    assert "seed" not in said(figure)
    first = figure.axes[0].findobj(QuadMesh)[0].get_array()
    assert (np.asarray(first) == 0).all()  # the first feature only


def test_every_class_has_a_colour_and_a_name_and_all_that_diverged_is_drawn():
    assert len(set(COLOURS.values())) == len(set(NAMES.values())) == len(COLOURS) == len(NAMES)
    draw(phase_function_figure(diverged(diagram(2 * [PAIR], 2 * [[0.8, 0.8]]))))


def test_a_sweep_has_it_where_it_knows_what_is_explained():
    known = diagram([PAIR], [[0.8, 0.8]])
    assert "phases_by_function" in sweep_figures(known)
    assert "phases_by_function" not in sweep_figures(known.drop_vars("explained"))
