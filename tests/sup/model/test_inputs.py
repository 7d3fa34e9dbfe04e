"""The input distribution against its formulas."""

import pytest
import torch

from sup.analysis.theory import feature_mean, feature_variance
from sup.model.inputs import Draws, Inputs, Purpose, key

CPU = torch.device("cpu")
SAMPLES = 400_000


def sample(density: float, seed: int = 0, step: int = 0) -> torch.Tensor:
    """Return one instance's input ``[feature, batch]``."""
    u = Draws((seed,), (10, SAMPLES // 10), CPU).uniform(Purpose.TRAINING, step)
    first = torch.tensor([0])
    return Inputs(first, torch.full((1, 10), density), first)(u)[0]


@pytest.mark.parametrize("p", [1.0, 0.5, 0.1, 0.01])
def test_density_mean_and_variance(p: float):
    x = sample(p)
    assert x.min() >= 0
    assert x.max() <= 1
    mean, variance = float(feature_mean(p)), float(feature_variance(p))
    moments = [p / (k + 1) for k in range(5)]  # E[x^k] = p / (k + 1) for k > 0
    fourth = moments[4] - 4 * mean * moments[3] + 6 * mean**2 * moments[2] - 3 * mean**4
    for measured, expected, spread in (
        ((x > 0).float().mean(), p, p * (1 - p)),
        (x.mean(), mean, variance),
        (x.var(), variance, fourth - variance**2),
    ):
        standard_error = (spread / SAMPLES) ** 0.5
        assert abs(measured.item() - expected) < 5 * standard_error + 1e-5


def test_present_features_are_uniform():
    x = sample(0.3)
    present = x[x > 0].sort().values
    expected = torch.linspace(0, 1, len(present))
    assert (present - expected).abs().max() < 1.63 / len(present) ** 0.5  # Kolmogorov, 1 percent


def test_each_sample_and_feature_has_its_own_mask():
    mask = (sample(0.5) > 0).float()
    assert len(mask.unique(dim=1).T) == 2**10  # every pattern of ten features occurs
    correlation = torch.corrcoef(mask)
    off_diagonal = correlation - torch.eye(10)
    assert off_diagonal.abs().max() < 5 / (SAMPLES / 10) ** 0.5
    neighbours = torch.corrcoef(torch.stack([mask[:, 1:].ravel(), mask[:, :-1].ravel()]))[0, 1]
    assert neighbours.abs() < 5 / SAMPLES**0.5


def test_inputs_of_a_seed_are_paired_and_others_are_not():
    u = Draws((3, 5), (4, 1000), CPU).uniform(Purpose.TRAINING, 7)
    seeds, densities = torch.tensor([0, 0, 1]), torch.tensor([[1.0], [0.5], [0.5]])
    x = Inputs(seeds, densities.expand(-1, 4), torch.arange(3))(u)
    assert torch.equal(x[0], u[0])
    assert torch.equal(x[1], torch.where(u[0] < 0.5, 2 * u[0], 0.0))
    assert not torch.equal(x[1] > 0, x[2] > 0)


def test_only_purpose_seed_and_step_decide_a_draw():
    alone = Draws((5,), (4, 6), CPU).uniform(Purpose.TRAINING, 7)
    assert torch.equal(Draws((3, 5), (4, 6), CPU).uniform(Purpose.TRAINING, 7)[1], alone[0])
    others = [
        Draws((5,), (4, 6), CPU).uniform(Purpose.TRAINING, 8),
        Draws((6,), (4, 6), CPU).uniform(Purpose.TRAINING, 7),
        Draws((5,), (4, 6), CPU).uniform(Purpose.EVALUATION, 7),
    ]
    assert not any(torch.equal(other, alone) for other in others)


def test_neighbouring_steps_and_seeds_are_uncorrelated():
    steps = torch.cat(
        [Draws((0,), (1, 2000), CPU).uniform(Purpose.TRAINING, step)[0] for step in range(20)]
    )
    seeds = Draws(tuple(range(20)), (1, 2000), CPU).uniform(Purpose.TRAINING, 0)[:, 0]
    for draws in (steps, seeds):
        off_diagonal = torch.corrcoef(draws) - torch.eye(20)
        assert off_diagonal.abs().max() < 5 / 2000**0.5


def test_keys_differ():
    keys = {
        key(purpose, seed, step)
        for purpose in Purpose
        for seed in (0, 1, 2, 2**40)
        for step in range(1000)
    }
    assert len(keys) == len(Purpose) * 4 * 1000
