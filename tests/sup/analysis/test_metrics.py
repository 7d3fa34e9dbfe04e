"""Metrics against weights made by hand; test_invariances.py has what holds for all weights."""

import math

import pytest
import torch

from sup.analysis import metrics


def polygon(corners: int) -> torch.Tensor:
    """Return `corners` unit features spread evenly in the plane, ``[2, corners]``."""
    angles = torch.arange(corners) * (2 * math.pi / corners)
    return torch.stack([angles.cos(), angles.sin()])


@pytest.mark.parametrize(
    ("W", "dimensionality"),
    [
        (torch.eye(3), 1.0),
        (torch.tensor([[1.0, -1.0]]), 1 / 2),
        (polygon(3), 2 / 3),
        (polygon(4), 1 / 2),
        (polygon(5), 2 / 5),
    ],
    ids=["orthogonal", "antipodal pair", "triangle", "square", "pentagon"],
)
def test_regular_geometries(W: torch.Tensor, dimensionality: float):
    m, n = W.shape
    assert metrics.feature_dimensionality(W) == pytest.approx([dimensionality] * n, abs=1e-6)
    assert metrics.total_dimensionality(W).item() == pytest.approx(min(m, n), abs=1e-5)
    assert metrics.dimensions_per_feature(W).item() == pytest.approx(m / n)
    # Unit features: everything beyond a feature's own share of its direction is others'.
    assert metrics.polysemanticity(W) == pytest.approx([1 / dimensionality - 1] * n, abs=1e-5)


def test_interference_by_hand():
    W = torch.tensor([[1.0, -0.5, 0.0], [0.0, 0.0, 2.0]])
    assert metrics.gram(W).tolist() == [[1, -0.5, 0], [-0.5, 0.25, 0], [0, 0, 4]]
    assert metrics.mean_interference(W).item() == pytest.approx(2 * 0.5 / 6)
    assert metrics.feature_norm(W).tolist() == [1, 0.5, 2]
    assert metrics.polysemanticity(W).tolist() == pytest.approx([0.25, 1, 0])
    assert metrics.feature_dimensionality(W).tolist() == pytest.approx([0.8, 0.2, 1])
    assert metrics.dimensions_per_feature(W).item() == pytest.approx(2 / 5.25)


def test_absent_features_count_for_nothing():
    W = torch.tensor([[1.0, 0.0, 0.001], [0.0, 0.0, 0.0]])
    assert metrics.feature_dimensionality(W).tolist() == pytest.approx([1, 0, 1e-6], abs=1e-5)
    assert metrics.features_represented(W).item() == 1
    assert metrics.features_strong(W).item() == 1
    zero = torch.zeros(2, 3)
    assert metrics.feature_dimensionality(zero).tolist() == [0, 0, 0]
    assert metrics.polysemanticity(zero).tolist() == [0, 0, 0]
    assert metrics.dimensions_per_feature(zero).item() == math.inf


def test_represented_is_free_of_scale_but_strong_is_not():
    W = 0.1 * polygon(5)
    assert metrics.features_represented(W).item() == 5
    assert metrics.features_strong(W).item() == 0
