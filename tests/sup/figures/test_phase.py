"""Phase diagrams by weights, and how far training ends from the optimum."""

import numpy as np
import pytest
import xarray as xr
from matplotlib.collections import QuadMesh
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure

from sup.analysis.diagrams import DEAD, DIAGRAMS
from sup.analysis.phases import NO_MODEL
from sup.figures.gaps import loss_gap_figure
from sup.figures.phase import (
    optimum_phase_figure,
    phase_figure,
    phase_seeds_figure,
    phase_share_figure,
)
from sup.figures.phase_panels import COLOURS, DEAD_COLOUR, DEAD_NAME, TIE_NAME
from tests.sup.figures.test_any_results import RATIOS, draw, results_of
from tests.sup.figures.test_bands import said

SHAPES = [(1, 2), (2, 3)]


def diagram(m: int, n: int, seeds: int) -> xr.Dataset:
    """Make a diagram of models that represent the first feature alone; the first seed is best."""
    results = results_of(**RATIOS | {"n": n, "m": m}, seed=list(range(seeds)))
    results["W"][:] = np.eye(m, n)
    return results.assign(loss=results["loss"] * 0 + results["seed"])


def colours(figure: Figure) -> np.ndarray:
    """Return the colours of the first panel's cells, ``[ratio, density, 3]``."""
    (mesh,) = figure.axes[0].findobj(QuadMesh)
    figure.draw_without_rendering()
    return np.asarray(mesh.get_facecolor()).reshape(3, 3, 4)[..., :3]


@pytest.mark.parametrize(("m", "n"), SHAPES)
def test_a_dead_model_is_in_no_class(m, n):
    W = np.stack([np.zeros((m, n)), np.eye(m, n), np.full((m, n), np.nan)])
    assert DIAGRAMS[m, n].class_of(W).tolist() == [DEAD, 0, NO_MODEL]


@pytest.mark.parametrize(("m", "n"), SHAPES)
def test_dead_models_have_a_colour_of_their_own(m, n):
    results = diagram(m, n, seeds=2)
    results["W"].loc[{"seed": 0, "importance_ratio": 1, "sparsity": 0.5}] = 0
    not_represented, dead = (to_rgb(colour) for colour in (COLOURS[DIAGRAMS[m, n]][0], DEAD_COLOUR))
    for figure in (phase_figure(results), phase_share_figure(results)):
        assert colours(figure)[1, 1] == pytest.approx(dead)
        assert DEAD_NAME in said(figure)
    assert colours(phase_figure(results))[0, 0] == pytest.approx(not_represented)
    seeds = phase_seeds_figure(results)
    assert colours(seeds)[1, 1] == pytest.approx(np.mean([not_represented, dead], 0))
    assert DEAD_NAME in said(seeds)


@pytest.mark.parametrize(("m", "n"), SHAPES)
def test_seeds_of_which_one_is_dead_disagree(m, n):
    results = diagram(m, n, seeds=2)
    results["W"].loc[{"seed": 1, "importance_ratio": 10, "sparsity": 0.1}] = 0
    figure = phase_figure(results)
    (dots,) = (line for line in figure.axes[0].get_lines() if line.get_marker() == ".")
    assert np.array(dots.get_data()) == pytest.approx(np.array([[0.9], [10]]))
    assert DEAD_NAME not in said(figure)  # of the best seeds none is


@pytest.mark.parametrize("figure", [phase_figure, phase_seeds_figure, phase_share_figure])
def test_where_none_is_dead_the_legend_does_not_speak_of_it(figure):
    drawn = figure(diagram(1, 2, seeds=2))
    draw(drawn)
    assert DEAD_NAME not in said(drawn)


def gaps(figure: Figure) -> list[np.ndarray]:
    """Return what is drawn in the cells of each panel."""
    meshes = [axis.findobj(QuadMesh) for axis in figure.axes[:-2]]
    return [np.asarray(one.get_array()) for found in meshes for one in found]


def test_one_seed_in_another_minimum_does_not_decide_a_loss_gap():
    results = diagram(1, 2, seeds=5)
    gap = xr.full_like(results["loss"], 1e-3)
    gap.loc[{"seed": 4}] = 50.0
    gap.loc[{"seed": 0}] = 1e-4
    gap.loc[{"seed": 3, "sparsity": 0.9}] = np.nan
    figure = loss_gap_figure(results.assign(loss_gap=gap))
    median, best = gaps(figure)
    assert median == pytest.approx(np.full((3, 3), 1e-3))
    assert best == pytest.approx(np.full((3, 3), 1e-4))
    words = said(figure)
    assert "ReLU: median of the seeds" in words
    assert "ReLU: best seed" in words
    shares = [axis.texts[0].get_text() for axis in figure.axes[:2]]
    assert shares[0].startswith("above 1%: 20% (")
    assert shares[1] == "above 1%: 0%"


def test_the_loss_gap_of_one_seed_is_one_panel_without_a_word_of_seeds():
    results = diagram(1, 2, seeds=1).isel(seed=0)
    figure = loss_gap_figure(results.assign(loss_gap=xr.full_like(results["loss"], 0.3)))
    (only,) = gaps(figure)
    assert only == pytest.approx(np.full((3, 3), 0.3))
    assert "seed" not in said(figure)
    assert "above 1%: 100%" in said(figure)


def tied(m: int = 1) -> xr.Dataset:
    """Make a diagram of pairs by weights, which at r = 1 explain what one feature alone would."""
    results = diagram(m, m + 1, seeds=2)
    results["W"][:] = 1 / np.sqrt(2)
    loss = xr.full_like(results["loss"], 0.1) * (1 + results["seed"])
    dims = (*results["loss"].dims, "feature")
    explained = xr.DataArray(np.full([results.sizes[name] for name in dims], 0.9), dims=dims)
    explained = xr.where(results["importance_ratio"] == 1, 0.5, explained)
    return results.assign(loss=loss, explained=explained, optimum_loss=loss.isel(seed=0))


def hatched(figure: Figure) -> np.ndarray:
    """Return the middles of the first panel's cells that are ties, ``[cell, 2]``."""
    (held,) = (one for one in figure.axes[0].collections if one.get_hatch())
    corners = [np.asarray(path.vertices, dtype=float)[:4] for path in held.get_paths()]
    return np.exp(np.log(np.array(corners)).mean(1))


@pytest.mark.parametrize("figure", [phase_figure, optimum_phase_figure])
def test_where_both_count_alike_and_one_does_as_well_is_a_tie(figure):
    results = tied().assign(optimum_phase=tied()["loss"].isel(seed=0) * 0 + 1)
    drawn = figure(results)
    draw(drawn)
    assert hatched(drawn)[:, 1] == pytest.approx([1, 1, 1], rel=0.05)
    assert TIE_NAME in said(drawn)


def test_two_that_both_explain_more_are_no_tie_and_dots_are_left_to_those():
    results = tied()
    results["explained"].loc[{"sparsity": 0.9}] = 0.6
    results["W"].loc[{"seed": 1}] = np.eye(1, 2)
    figure = phase_figure(results)
    assert len(hatched(figure)) == 2
    (dots,) = (line for line in figure.axes[0].get_lines() if line.get_marker() == ".")
    assert np.size(dots.get_xdata()) == 9 - 2
    assert "the best of 2 is shown" in said(figure)


@pytest.mark.parametrize("without", ["explained", "loss"])
def test_where_it_is_not_known_nothing_is_a_tie(without):
    figure = phase_figure(tied().isel(seed=0).drop_vars(without))
    assert TIE_NAME not in said(figure)


def test_the_optimum_is_a_tie_by_its_own_loss():
    tie = tied()
    better = tie["optimum_loss"] / 2
    results = tie.assign(optimum_loss=better, optimum_phase=better * 0 + 1)
    assert TIE_NAME in said(phase_figure(results))
    assert TIE_NAME not in said(optimum_phase_figure(results))


def test_models_of_three_features_have_no_ties():
    assert TIE_NAME not in said(phase_figure(tied(2)))
