"""What the measures promise for every W: bounds, and what must not or must change them."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from sup.analysis import metrics

EVERY = metrics.PER_INSTANCE | metrics.PER_FEATURE

POWER = {
    "dimensions_per_feature": -2,
    "total_dimensionality": 0,
    "feature_norm": 1,
    "feature_dimensionality": 0,
    "polysemanticity": 2,
    "effective_features": 0,
    "mean_interference": 2,
    "mean_signed_interference": 2,
}
"""The power of c by which a measure scales under W -> cW."""


def weights(seed: int, m: int, n: int, rank: int, absent: int) -> Tensor:
    """Return random weights of at most a rank, with some features that are not represented."""
    generator = torch.Generator().manual_seed(seed)
    left = torch.randn(m, rank, generator=generator, dtype=torch.float64)
    right = torch.randn(rank, n, generator=generator, dtype=torch.float64)
    W = left @ right
    W[:, torch.randperm(n, generator=generator)[: min(absent, n)]] = 0
    return W


seeds = st.integers(0, 2**31)
some_weights = st.builds(
    weights, seeds, st.integers(1, 5), st.integers(1, 8), st.integers(1, 5), st.integers(0, 3)
)


def orthogonal(seed: int, m: int) -> Tensor:
    generator = torch.Generator().manual_seed(seed)
    return torch.linalg.qr(torch.randn(m, m, generator=generator, dtype=torch.float64)).Q


@given(W=some_weights)
def test_dimensionality_lies_between_nothing_and_the_rank(W: Tensor):
    D = metrics.feature_dimensionality(W)
    assert D.min() >= 0
    assert D.max() <= 1 + 1e-12
    assert torch.equal(D == 0, (W == 0).all(0))
    total = metrics.total_dimensionality(W).item()
    assert total == pytest.approx(D.sum().item())
    assert total <= torch.linalg.matrix_rank(W).item() + 1e-9
    assert metrics.features_represented(W) <= (D > 0).sum()


@given(W=some_weights, seed=seeds)
def test_no_measure_sees_a_rotation(W: Tensor, seed: int):
    turned = orthogonal(seed, W.shape[0]) @ W
    for name, metric in EVERY.items():
        if not name.startswith("features_"):  # counts jump where a feature is at the threshold
            assert torch.allclose(metric(turned), metric(W), rtol=1e-7, atol=1e-9), name


@given(W=some_weights, scale=st.floats(0.01, 100))
def test_measures_scale_as_they_should(W: Tensor, scale: float):
    for name, power in POWER.items():
        expected = scale**power * EVERY[name](W)
        assert torch.allclose(EVERY[name](scale * W), expected, rtol=1e-7, atol=1e-9), name


@given(W=some_weights, seed=seeds)
def test_measures_follow_the_features_order(W: Tensor, seed: int):
    order = torch.randperm(W.shape[1], generator=torch.Generator().manual_seed(seed))
    for name, metric in metrics.PER_INSTANCE.items():
        assert torch.allclose(metric(W[:, order]), metric(W), rtol=1e-9), name
    for name, metric in metrics.PER_FEATURE.items():
        assert torch.allclose(metric(W[:, order]), metric(W)[order], rtol=1e-7, atol=1e-9), name


@given(W=some_weights)
def test_measures_are_their_definitions(W: Tensor):
    n = W.shape[1]
    G = (W.T @ W).tolist()
    norms = [G[i][i] ** 0.5 for i in range(n)]
    others = [
        sum((G[i][j] / norms[i]) ** 2 for j in range(n) if j != i) if norms[i] else 0.0
        for i in range(n)
    ]
    shares = [norms[i] ** 2 / (norms[i] ** 2 + others[i]) if norms[i] else 0.0 for i in range(n)]
    pairs = [abs(G[i][j]) for i in range(n) for j in range(n) if i != j]
    assert metrics.feature_norm(W).tolist() == pytest.approx(norms)
    assert metrics.polysemanticity(W).tolist() == pytest.approx(others, abs=1e-9)
    assert metrics.feature_dimensionality(W).tolist() == pytest.approx(shares, abs=1e-9)
    assert metrics.mean_interference(W).item() == pytest.approx(
        sum(pairs) / len(pairs) if pairs else 0, abs=1e-9
    )


@given(W=some_weights)
def test_effective_features_are_between_one_and_all_that_have_weights(W: Tensor):
    count = metrics.effective_features(W).item()
    nonzero = int((W != 0).any(0).sum())
    assert (count == 0) == (nonzero == 0)
    if nonzero:
        assert 1 - 1e-12 <= count <= nonzero + 1e-9


@given(W=some_weights)
def test_signed_interference_is_at_most_the_absolute_one(W: Tensor):
    signed, absolute = metrics.mean_signed_interference(W), metrics.mean_interference(W)
    assert signed.abs().item() <= absolute.item() * (1 + 1e-9) + 1e-12
    n = W.shape[1]
    off = (W.mT @ W).sum() - (W.mT @ W).trace()
    assert signed.item() == pytest.approx(off.item() / max(n * (n - 1), 1), abs=1e-9)


@given(seed=seeds, m=st.integers(1, 4), n=st.integers(1, 6))
def test_instances_along_any_axes_are_measured_one_by_one(seed: int, m: int, n: int):
    W = torch.randn(2, 3, m, n, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
    for name, metric in EVERY.items():
        together = metric(W)
        for i, j in ((0, 0), (1, 2)):
            assert torch.allclose(together[i, j], metric(W[i, j]), rtol=1e-9, atol=1e-12), name


@given(W=some_weights)
def test_counts_are_numbers_of_features_in_the_precision_of_the_weights(W: Tensor):
    for metric in (metrics.features_represented, metrics.features_strong):
        assert metric(W).dtype == W.dtype
        assert metric(W).item() in range(W.shape[1] + 1)
    at = torch.full((1, 1), metrics.NORM_THRESHOLD)
    assert metrics.features_strong(at).item() == 0
    assert metrics.features_strong(1.01 * at).item() == 1
