"""Exact answers against sampling and against each other."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from sup.analysis.linear import linear_projector
from sup.analysis.theory import feature_variance, linear_optimum, linear_population_loss
from sup.model.inputs import Draws, Inputs, Purpose


def test_linear_population_loss_is_the_mean_of_sampled_losses():
    generator = torch.Generator().manual_seed(0)
    W = torch.randn(1, 2, 4, generator=generator)
    b = torch.randn(1, 4, generator=generator)
    density, importance = torch.tensor([0.3]), torch.tensor([[1.0, 0.7, 0.5, 0.2]])
    words = Draws((0,), (4, 1_000_000), torch.device("cpu")).words(Purpose.EVALUATION, 0)
    first = torch.tensor([0])
    x = Inputs(first, density[:, None].double().expand(-1, 4), first)(words)
    error = (W.mT @ (W @ x) + b[..., None] - x).square().mean(-1)
    sampled = (error * importance).sum(-1)
    exact = linear_population_loss(W, b, density[:, None], importance)
    assert exact.item() == pytest.approx(sampled.item(), rel=0.01)


def test_linear_optimum_is_reached_by_the_projector_on_the_most_important():
    importance = 0.9 ** torch.arange(10).double()[None]
    density = torch.tensor([[0.2]]).double()
    W = torch.eye(10)[None, :5].double()
    b = torch.where(torch.arange(10) < 5, 0.0, 0.1)[None].double()
    loss = linear_population_loss(W, b, density, importance)
    assert loss.item() == pytest.approx(linear_optimum(5, density, importance).item())
    assert loss.item() == pytest.approx((0.2 / 3 - 0.01) * importance[0, 5:].sum().item())


@pytest.mark.parametrize("p", [1.0, 0.5, 0.01])
def test_variance_of_a_feature(p: float):
    mean_square, mean = p / 3, p / 2
    assert feature_variance(p) == pytest.approx(mean_square - mean**2)


@given(seed=st.integers(0, 2**31), m=st.integers(1, 4), n=st.integers(1, 5))
def test_no_linear_model_is_better_than_the_optimum(seed: int, m: int, n: int):
    generator = torch.Generator().manual_seed(seed)
    W = torch.randn(2, 3, m, n, generator=generator, dtype=torch.float64)
    b = torch.rand(2, 3, n, generator=generator)
    density, importance = torch.rand(2, 2, 3, n, generator=generator)
    loss = linear_population_loss(W, b, density, importance)
    optimum = linear_optimum(m, density, importance)
    assert (loss >= optimum).all()
    assert (optimum >= 0).all()
    # Along any axes, each is the answer for its own model.
    own = linear_population_loss(W[1, 0], b[1, 0], density[1, 0], importance[1, 0])
    assert loss[1, 0].item() == pytest.approx(own.item())
    own = linear_optimum(m, density[1, 0], importance[1, 0])
    assert optimum[1, 0].item() == pytest.approx(own.item())


def test_answers_are_on_the_device_of_the_question():
    W, b = torch.empty(2, 1, 3, device="meta"), torch.empty(2, 3, device="meta")
    density = torch.empty(2, 1, device="meta")
    assert linear_population_loss(W, b, density, b).device.type == "meta"
    assert linear_optimum(1, density, b).device.type == "meta"


def test_the_projector_keeps_the_features_of_most_worth_along_any_axes():
    generator = torch.Generator().manual_seed(0)
    density = torch.rand(2, 3, 7, generator=generator).double()
    importance = torch.rand(2, 3, 7, generator=generator).double()
    for m in (2, 9):  # more hidden dimensions than features, too
        W, b = linear_projector(m, density, importance)
        assert W.shape == (2, 3, m, 7)
        worth = importance * (density / 3 - density**2 / 4)
        for row, weights, bias, p in zip(
            worth.view(6, 7), W.view(6, m, 7), b.view(6, 7), density.view(6, 7), strict=True
        ):
            kept = set(row.argsort(descending=True)[:m].tolist())
            assert {int(one.argmax()) for one in weights if one.any()} == kept
            assert weights.sum() == len(kept)
            dropped = [i for i in range(7) if i not in kept]
            assert torch.equal(bias[dropped], p[dropped] / 2)
            assert not bias[list(kept)].any()
