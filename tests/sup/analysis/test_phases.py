"""Phases of two features in one dimension."""

import numpy as np
import pytest
import xarray as xr

from sup.analysis.diagrams import PAIR, agreement, diagram_of
from sup.analysis.gaps import gap_summary
from sup.analysis.phases import NO_MODEL, Phase, phase_of

NONE, BOTH, ALONE = Phase


@pytest.mark.parametrize(
    ("weights", "phase"),
    [
        ((1, 0), NONE),
        ((1, 0.1), NONE),
        ((1, -1), BOTH),
        ((1, 0.5), BOTH),
        ((0, -1), ALONE),
        ((0.1, 1), ALONE),
        ((0, 0), NONE),
        ((0.01, 0.01), NONE),
        ((0.01, 0.1), NONE),
        ((np.nan, 1), NO_MODEL),
    ],
)
def test_phase_of_weights(weights, phase):
    assert phase_of(np.array([weights], dtype=float)[None]) == phase


def diagram(phases_as_weights) -> xr.Dataset:
    """Return results whose optimum is a pair below density 0.3, and whose weights are given."""
    density, ratio = np.geomspace(1, 0.01, 21)[None], np.geomspace(0.1, 10, 21)[:, None]
    phases = np.where(density < 0.3, Phase.SUPERPOSITION, np.where(ratio < 1, NONE, ALONE))
    W = np.array(phases_as_weights, dtype=float)[phases][..., None, :]
    dims = ("importance_ratio", "sparsity")
    coordinates = {"sparsity": 1 - density[0], "importance_ratio": ratio[:, 0]}
    variables = {
        "W": ((*dims, "hidden", "feature"), W),
        "loss": (dims, np.ones((21, 21))),
        "optimum_phase": (dims, phases),
    }
    return xr.Dataset(variables, coordinates)


def test_agreement_with_the_optimum():
    perfect = diagram([(1, 0), (1, -1), (0, 1)])
    assert diagram_of(perfect) is PAIR
    assert agreement(perfect) == (1.0, 1.0)
    assert agreement(perfect.transpose(..., "importance_ratio")) == (1.0, 1.0)
    assert agreement(perfect.isel(sparsity=slice(None, None, -1))) == (1.0, 1.0)
    pairs = 21 * 15  # at 15 densities of 21
    swapped = agreement(diagram([(0, 1), (1, -1), (1, 0)]))
    assert swapped[0] == pytest.approx(pairs / 441)
    assert swapped[1] == pytest.approx(21 * 13 / (21 * 13 + 4 * 17))


def test_cells_at_a_boundary_are_told_apart():
    results = diagram([(1, 0), (1, -1), (0, 1)])
    results["W"][:, 6] = np.array([[1.0, 0.0]])  # the first pairs, next to the boundary
    everywhere, away = agreement(results)
    assert everywhere == pytest.approx(1 - 21 / 441)
    assert away == 1


def test_dead_models_agree_with_no_optimum():
    dead = diagram([(0, 0), (0, 0), (0, 0)])
    assert agreement(dead) == (0.0, 0.0)


def test_gaps_in_three_numbers():
    gap = np.concatenate([np.full(90, 1e-6), np.full(10, 0.3), [np.nan]])
    summary = gap_summary(gap.reshape(1, -1))
    assert summary is not None
    assert (summary.median, summary.high, summary.above) == pytest.approx((1e-6, 0.3, 0.1))
    assert (summary.interval, summary.seeds) == (None, 1)
    assert gap_summary(np.array([[np.nan]])) is None


def test_seeds_are_the_unit_of_gaps():
    close, far = np.full((7, 50), 1e-6), np.full((1, 50), 0.8)
    lost = np.full((1, 50), np.nan)
    summary = gap_summary(np.concatenate([close, far, lost]))
    assert summary is not None
    # Of 400 models by themselves, the 95th percentile would be 0.8.
    assert (summary.median, summary.high) == pytest.approx(2 * (0.1 + 7e-6 / 8,))
    assert summary.above == 1 / 8
    assert summary.interval is not None
    low, high = summary.interval
    assert 0 <= low < 1 / 8 < high <= 1
    assert summary.seeds == 8


def test_a_single_row_or_another_axis_is_no_phase_diagram():
    whole = diagram([(1, 0), (1, -1), (0, 1)])
    assert diagram_of(whole.isel(sparsity=[0])) is None
    assert diagram_of(whole.expand_dims(optimizer_lr=[0.1, 0.2])) is None
