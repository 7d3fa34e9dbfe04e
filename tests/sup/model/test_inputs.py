"""The input distribution against its formulas."""

import pytest
import torch

from sup.analysis.theory import feature_mean, feature_variance
from sup.model.inputs import Draws, Inputs, Purpose, _mix, independent, key

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


@pytest.mark.parametrize("p", [1.0, 0.3, 0.01])
def test_present_features_are_uniform(p: float):
    x = sample(p)
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


def test_normal_draws_have_the_moments_of_the_normal_distribution():
    z = Draws((0, 1), (10, SAMPLES // 20), CPU).normal(Purpose.INITIAL_WEIGHTS, 0).double()
    for power, (mean, spread) in {1: (0, 1), 2: (1, 2), 3: (0, 15), 4: (3, 96)}.items():
        assert abs((z**power).mean().item() - mean) < 5 * (spread / SAMPLES) ** 0.5
    again = Draws((1,), (10, SAMPLES // 20), CPU).normal(Purpose.INITIAL_WEIGHTS, 0)
    assert torch.equal(again[0].double(), z[1])


def test_draws_of_another_step_seed_or_purpose_are_independent():
    steps = [Draws((0,), (1, 2000), CPU).uniform(Purpose.TRAINING, step)[0] for step in range(20)]
    purposes = [Draws((0,), (1, 2000), CPU).uniform(purpose, 1)[0] for purpose in Purpose]
    seeds = Draws(tuple(range(20)), (1, 2000), CPU).uniform(Purpose.TRAINING, 0)[:, 0]
    for draws in (torch.cat(steps), torch.cat(purposes), seeds):
        off_diagonal = torch.corrcoef(draws) - torch.eye(len(draws))
        assert off_diagonal.abs().max() < 5 / 2000**0.5


def test_a_feature_is_absent_from_its_density_on():
    density = torch.tensor([[0.25, 1.0]])
    inputs = Inputs(torch.tensor([0]), density, torch.tensor([0, 0, 0]))
    below = torch.tensor(0.25).nextafter(torch.tensor(0.0)).item()
    x = inputs(torch.tensor([[[0.0, 0.125, below, 0.25, 0.5], [0.0, 0.125, below, 0.25, 0.5]]]))
    assert x.tolist() == [[[0, 0.5, 4 * below, 0, 0], [0, 0.125, below, 0.25, 0.5]]]
    assert inputs.group_index.tolist() == [0, 0, 0]
    assert inputs.state_dict() == {}  # a checkpoint holds nothing that the settings say


def test_one_sparsity_serves_every_feature():
    assert independent(3, torch.tensor([[0.1], [0.9]])).tolist() == [
        pytest.approx([0.1] * 3),
        pytest.approx([0.9] * 3),
    ]


def test_keys_differ():
    keys = {
        key(purpose, seed, step)
        for purpose in Purpose
        for seed in (0, 1, 2, 2**40)
        for step in range(1000)
    }
    assert len(keys) == len(Purpose) * 4 * 1000


def test_a_seed_has_the_data_that_it_always_had():
    """Other keys would be other data: no earlier result could be had again."""
    assert _mix(0) == 0xE220A8397B1DCDAF  # splitmix64's first number for the state 0
    assert key(Purpose.TRAINING, 0, 0) == 6396520470166291297
    assert key(Purpose.TRAINING, 3, 7) == 4375370837879142935
    u = Draws((3,), (1, 2), CPU).uniform(Purpose.TRAINING, 7)
    assert u[0, 0].tolist() == pytest.approx([0.7669824, 0.7100958])
