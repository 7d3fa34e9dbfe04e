"""Metrics against weights made by hand; test_invariances.py has what holds for all weights."""

import math
import resource

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from sup.analysis import metrics
from sup.analysis.thresholds import dimensionality_threshold


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


def test_signs_of_interference():
    aligned, antipodal = torch.tensor([[2.0, 1.0]]), torch.tensor([[2.0, -1.0]])
    assert metrics.mean_signed_interference(aligned).item() == pytest.approx(2)
    assert metrics.mean_signed_interference(antipodal).item() == pytest.approx(-2)
    assert metrics.mean_signed_interference(torch.eye(3)).item() == 0
    # Five unit vectors that sum to nothing: each pair is -1/4 on average.
    assert metrics.mean_signed_interference(polygon(5)).item() == pytest.approx(-1 / 4)
    assert metrics.mean_signed_interference(torch.ones(2, 1)).item() == 0


@pytest.mark.parametrize("scale", [1e-20, 1.0, 1e10])
def test_effective_features(scale: float):
    assert metrics.effective_features(scale * polygon(5)).item() == pytest.approx(5)
    assert metrics.effective_features(scale * torch.eye(2, 4)).item() == pytest.approx(2)
    # A feature that counts by D_i, but is not used, hardly counts.
    unused = scale * torch.diag(torch.tensor([1.0, 1e-6]))
    assert metrics.effective_features(unused).item() == pytest.approx(1, abs=1e-9)
    shares = scale * torch.tensor([[3.0, 1.0]]).sqrt()
    assert metrics.effective_features(shares).item() == pytest.approx(4 / 3**0.75)
    assert metrics.effective_features(torch.zeros(2, 3)).item() == 0


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


def plain(W: torch.Tensor) -> dict[str, torch.Tensor]:
    """Return measures of one model by their definitions, term by term, in float64."""
    W = W.double()
    n = W.shape[-1]
    G = W.mT @ W
    norm = W.norm(dim=0)
    along = (G / norm[:, None]).square().nan_to_num(posinf=0)
    others = along.sum(-1) - along.diagonal()
    return {
        "feature_norm": norm,
        "polysemanticity": others,
        "feature_dimensionality": (norm**2 / along.sum(-1)).nan_to_num(),
        "mean_interference": (G.abs().sum() - norm.square().sum()) / max(n * (n - 1), 1),
        "dimensions_per_feature": W.shape[0] / norm.square().sum(),
    }


@given(
    seed=st.integers(0, 2**31),
    m=st.integers(1, 9),
    n=st.integers(1, 9),
    entries=st.integers(1, 90),
    missing=st.integers(0, 8),
    exponent=st.integers(-20, 10),
)
def test_measures_are_what_their_definitions_say(seed, m, n, entries, missing, exponent):
    generator = torch.Generator().manual_seed(seed)
    W = torch.randn(m, n, generator=generator)
    W *= 10.0 ** torch.randint(-2, 3, (n,), generator=generator)
    W[:, missing : missing + 1] = 0
    W *= 10.0**exponent
    # The sum over all features, from which a feature's own part is taken, is rounded; and below
    # 1e-38, float32 has fewer digits.
    squares = max(1e-12 * float(W.double().square().sum()), 1e-44)
    rounding = {"feature_dimensionality": 1e-12, "feature_norm": 0, "dimensions_per_feature": 0}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(metrics, "ENTRIES", entries)  # the products are made in pieces
        for name, value in plain(W).items():
            measured = (metrics.PER_INSTANCE | metrics.PER_FEATURE)[name](W)
            assert measured.dtype == W.dtype
            assert measured.tolist() == pytest.approx(
                value.float().tolist(), rel=1e-6, abs=rounding.get(name, squares)
            )


def test_interference_of_several_models_is_that_of_each(monkeypatch: pytest.MonkeyPatch):
    W = torch.randn(3, 2, 7, 5, generator=torch.Generator().manual_seed(0))
    each = [[metrics.mean_interference(W[i, k]).item() for k in range(2)] for i in range(3)]
    for entries in (1, 10, 10_000):
        monkeypatch.setattr(metrics, "ENTRIES", entries)
        assert metrics.mean_interference(W).tolist() == [pytest.approx(row) for row in each]


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize(("m", "n"), [(200, 150), (200, 200), (20, 20)])
def test_orthogonal_features_have_a_dimension_each(m, n, dtype):
    generator = torch.Generator().manual_seed(0)
    Q = torch.linalg.qr(torch.randn(m, m, generator=generator, dtype=torch.float64)).Q[:, :n]
    absent = torch.zeros(m, 3 * n, dtype=torch.float64)  # with them, there are more than m
    for features in (Q, torch.cat([Q, absent], 1)):
        W = (features * 1e-3).to(dtype)
        D = metrics.feature_dimensionality(W)[:n]
        assert D.tolist() == pytest.approx([1] * n, abs=1e-6)
        assert D.max() <= 1
        assert metrics.polysemanticity(W).min() >= 0
        assert metrics.mean_interference(W) >= 0


def test_features_that_share_fairly_are_all_represented():
    for m in (10, 60):
        W = torch.randn(m, 1000, generator=torch.Generator().manual_seed(0))
        assert metrics.features_represented(W / W.norm(dim=0)).item() == 1000


def test_the_articles_experiments_have_the_threshold_they_had():
    for m, n in ((5, 10), (1, 2), (20, 200), (3, 2)):
        assert dimensionality_threshold(m, n) == 0.05
    assert dimensionality_threshold(10, 1000) == 0.005


def test_measures_of_many_features_take_little_memory():
    W = torch.randn(2, 20_000, generator=torch.Generator().manual_seed(0))
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    for metric in (metrics.PER_INSTANCE | metrics.PER_FEATURE).values():
        metric(W)
    after = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    assert after - before < 100 * 1024  # the products of all pairs are 3 GiB


class OnApple(torch.Tensor):
    """A tensor that says it is on Apple's GPU, which refuses float64."""

    device = property(lambda self: torch.device("mps"))  # pyright: ignore[reportAssignmentType]

    def double(self):
        raise TypeError("Cannot convert a MPS Tensor to float64")

    def cpu(self):  # pyright: ignore[reportIncompatibleMethodOverride]
        return self.as_subclass(torch.Tensor)


def test_a_device_without_float64_gives_the_same():
    W = torch.randn(3, 2, 4, generator=torch.Generator().manual_seed(0))
    for metric in (metrics.PER_INSTANCE | metrics.PER_FEATURE).values():
        assert torch.equal(metric(W.as_subclass(OnApple)), metric(W))


def test_instances_are_measured_one_by_one():
    W = torch.randn(4, 3, 7, generator=torch.Generator().manual_seed(0))
    for metric in (metrics.PER_INSTANCE | metrics.PER_FEATURE).values():
        together = metric(W)
        for k in range(len(W)):
            assert torch.allclose(together[k], metric(W[k]), atol=1e-6)


@pytest.mark.parametrize("name", [*metrics.PER_INSTANCE, *metrics.PER_FEATURE])
def test_every_measure_is_of_its_weights_precision(name: str):
    measure = (metrics.PER_INSTANCE | metrics.PER_FEATURE)[name]
    for dtype in (torch.float32, torch.float64):
        assert measure(torch.ones(2, 3, dtype=dtype)).dtype == dtype
