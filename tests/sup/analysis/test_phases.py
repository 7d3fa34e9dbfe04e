"""Phases of two features in one dimension."""

import numpy as np
import pytest
import xarray as xr

from sup.analysis.phases import (
    NO_MODEL,
    Phase,
    agreement,
    is_phase_diagram,
    phase_of,
    relu_boundary,
    relu_phase,
)
from sup.analysis.theory import feature_variance

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


@pytest.mark.parametrize("ratio", [0.1, 0.5, 0.99, 1.01, 3.0, 10.0])
def test_at_relus_boundary_the_candidates_cost_the_same(ratio: float):
    p = float(relu_boundary(np.array(ratio)))
    pair = (1 + ratio) * p**2 / 6
    assert pair == pytest.approx(min(ratio, 1) * float(feature_variance(p)))


def diagram(phases_as_weights) -> xr.Dataset:
    sparsity = 1 - np.geomspace(1, 0.01, 21)
    ratio = np.geomspace(0.1, 10, 21)
    phases = relu_phase(1 - sparsity[None], ratio[:, None])
    W = np.array(phases_as_weights, dtype=float)[phases][..., None, :]
    dims = ("importance_ratio", "sparsity")
    coordinates = {"sparsity": sparsity, "importance_ratio": ratio}
    return xr.Dataset(
        {"W": ((*dims, "hidden", "feature"), W), "loss": (dims, np.ones((21, 21)))}, coordinates
    )


def test_agreement_with_theory():
    perfect = diagram([(1, 0), (1, -1), (0, 1)])
    assert is_phase_diagram(perfect)
    assert agreement(perfect) == (1.0, 1.0)
    assert agreement(perfect.transpose(..., "importance_ratio")) == (1.0, 1.0)
    swapped = diagram([(0, 1), (1, -1), (1, 0)])
    everywhere, away = agreement(swapped)
    assert 0.4 < everywhere < 0.9
    assert 0.4 < away < 0.9


def test_dead_models_agree_with_no_theory():
    dead = diagram([(0, 0), (0, 0), (0, 0)])
    assert agreement(dead) == (0.0, 0.0)


def test_a_single_row_or_another_axis_is_no_phase_diagram():
    whole = diagram([(1, 0), (1, -1), (0, 1)])
    assert not is_phase_diagram(whole.isel(sparsity=[0]))
    assert not is_phase_diagram(whole.expand_dims(optimizer_lr=[0.1, 0.2]))
