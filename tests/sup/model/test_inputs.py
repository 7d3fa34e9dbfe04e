"""The input distribution against its formulas."""

import math

import pytest
import torch

from sup.analysis.theory import feature_mean, feature_variance
from sup.model.inputs import Draws, Inputs, Purpose, _normals, independent, power_law

CPU = torch.device("cpu")
SAMPLES = 400_000


def sample(density: float, seed: int = 0, step: int = 0) -> torch.Tensor:
    """Return one instance's input ``[feature, batch]``."""
    words = Draws((seed,), (10, SAMPLES // 10), CPU).words(Purpose.TRAINING, step)
    first = torch.tensor([0])
    return Inputs(first, torch.full((1, 10), density).double(), first)(words)[0]


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
    words = Draws((3, 5), (4, 1000), CPU).words(Purpose.TRAINING, 7)
    u = (words.double() / 2**32).float()
    seeds, densities = torch.tensor([0, 0, 1]), torch.tensor([[1.0], [0.5], [0.5]])
    x = Inputs(seeds, densities.double().expand(-1, 4), torch.arange(3))(words)
    assert torch.allclose(x[0], u[0], rtol=3e-7, atol=0)
    assert torch.allclose(x[1], torch.where(u[0] < 0.5, 2 * u[0], 0.0), rtol=3e-7, atol=0)
    assert not torch.equal(x[1] > 0, x[2] > 0)


def words_of(seed: int, purpose: Purpose, step: int, shape=(4, 6)) -> torch.Tensor:
    return Draws((seed,), shape, CPU).words(purpose, step)[0]


def test_nothing_but_its_five_coordinates_decides_a_word():
    alone = words_of(5, Purpose.TRAINING, 7)
    assert alone.dtype == torch.int64
    assert alone.min() >= 0
    assert alone.max() < 2**32
    assert len(alone.unique()) == alone.numel()
    assert torch.equal(Draws((3, 5), (4, 6), CPU).words(Purpose.TRAINING, 7)[1], alone)
    for rows, columns in ((9, 6), (4, 100), (3, 2), (1, 1)):
        other = words_of(5, Purpose.TRAINING, 7, (rows, columns))
        assert torch.equal(other[:4, :6], alone[:rows, :columns])
    others = {
        "step": (5, Purpose.TRAINING, 8),
        "later step": (5, Purpose.TRAINING, 7 + 2**32),
        "seed": (6, Purpose.TRAINING, 7),
        "larger seed": (5 + 2**32, Purpose.TRAINING, 7),
        "purpose": (5, Purpose.EVALUATION, 7),
    }
    every = torch.cat([alone, *(words_of(*coordinates) for coordinates in others.values())])
    assert len(every.unique()) >= every.numel() - 1


def test_steps_made_together_are_those_made_one_by_one():
    draws = Draws((3, 2**63 - 1), (33, 1000), CPU)  # a block holds three of these steps
    steps = range(2**32 - 4, 2**32 + 4)
    together = draws.block(Purpose.TRAINING, steps)
    assert together.shape == (8, 2, 33, 1000)
    for own, following, step in zip(
        together, draws.each(Purpose.TRAINING, steps), steps, strict=True
    ):
        assert torch.equal(own, draws.words(Purpose.TRAINING, step))
        assert torch.equal(own, following)


def test_uniforms_are_the_upper_bits_of_words():
    draws = Draws((0, 1), (3, 1000), CPU)
    u, words = draws.uniform(Purpose.TRAINING, 4), draws.words(Purpose.TRAINING, 4)
    assert torch.equal(u.double() * 2**24, (words // 256).double())
    assert u.max() < 1


def test_normal_draws_have_the_moments_of_the_normal_distribution():
    z = Draws((0, 1), (10, SAMPLES // 20), CPU).normal(Purpose.INITIAL_WEIGHTS, 0).double()
    for power, (mean, spread) in {1: (0, 1), 2: (1, 2), 3: (0, 15), 4: (3, 96)}.items():
        assert abs((z**power).mean().item() - mean) < 5 * (spread / SAMPLES) ** 0.5
    assert z.shape == (2, 10, SAMPLES // 20)
    again = Draws((1,), (10, SAMPLES // 20), CPU).normal(Purpose.INITIAL_WEIGHTS, 0)
    assert torch.equal(again[0].double(), z[1])


def test_the_largest_and_the_smallest_normals_are_numbers():
    first = torch.tensor([[0, 2**32 - 1]])
    largest = (-2 * math.log(2**-32)) ** 0.5
    found = _normals(first, torch.zeros_like(first))[0].tolist()
    assert found == pytest.approx([largest, 0.0], abs=1e-12)


def test_draws_of_another_step_seed_or_purpose_are_independent():
    steps = [Draws((0,), (1, 2000), CPU).uniform(Purpose.TRAINING, step)[0] for step in range(20)]
    purposes = [Draws((0,), (1, 2000), CPU).uniform(purpose, 1)[0] for purpose in Purpose]
    seeds = Draws(tuple(range(20)), (1, 2000), CPU).uniform(Purpose.TRAINING, 0)[:, 0]
    for draws in (torch.cat(steps), torch.cat(purposes), seeds):
        off_diagonal = torch.corrcoef(draws) - torch.eye(len(draws))
        assert off_diagonal.abs().max() < 5 / 2000**0.5


def test_a_feature_is_absent_from_its_density_on():
    density = torch.tensor([[0.25, 1.0]], dtype=torch.float64)
    inputs = Inputs(torch.tensor([0]), density, torch.tensor([0, 0, 0]))
    words = [0, 2**29, 2**30 - 1, 2**30, 2**32 - 1]
    x = inputs(torch.tensor([[words, words]]))
    quarter = [0, pytest.approx(0.5), pytest.approx(1), 0, 0]
    whole = [0, *(pytest.approx(share) for share in (0.125, 0.25, 0.25, 1))]
    assert x.tolist() == [[quarter, whole]]
    assert inputs.group_index.tolist() == [0, 0, 0]
    assert inputs.state_dict() == {}  # a checkpoint holds nothing that the settings say


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_no_input_exceeds_one_at_any_density(dtype):
    """Words near the last are rounded up in float32."""
    generator = torch.Generator().manual_seed(0)
    random = 2 ** (-24 * torch.rand(20_000, generator=generator, dtype=torch.float64))
    density = torch.cat([random, 2.0 ** -torch.arange(25).double()])[None]
    inputs = Inputs(torch.tensor([0]), density, torch.tensor([0]), dtype)
    largest = inputs(inputs.last[..., None])
    assert largest.dtype == inputs.density.dtype == dtype
    assert largest.max() <= 1
    assert (largest[0, :, 0] > 1 - 2 / (density[0] * 2**32) - 3e-7).all()
    assert not inputs(inputs.last[..., None] + 1).any()


def test_a_rare_feature_is_as_rare_as_it_should_be():
    p, rows, samples, steps = 1e-6, 16, 2**14, 256
    density = torch.full((1, rows), p, dtype=torch.float64)
    inputs = Inputs(torch.tensor([0]), density, torch.tensor([0]))
    assert (inputs.last + 1).unique().item() == round(p * 2**32) == 4295
    words = Draws((0,), (rows, samples), CPU).each(Purpose.TRAINING, range(steps))
    present = torch.cat([x[x > 0] for x in map(inputs, words)])
    expected = steps * rows * samples * p
    assert abs(len(present) - expected) < 5 * expected**0.5
    assert len(present.unique()) > 0.9 * len(present)  # not a handful of values
    assert abs(present.mean().item() - 0.5) < 5 / (12 * expected) ** 0.5


def test_one_sparsity_serves_every_feature():
    assert independent(3, torch.tensor([[0.1], [0.9]])).tolist() == [
        pytest.approx([0.1] * 3),
        pytest.approx([0.9] * 3),
    ]


def test_a_seed_has_the_data_that_it_always_had():
    """Other words would be other data: no earlier result could be had again."""
    words = words_of(2**33 + 3, Purpose.TRAINING, 2**32 + 7, (5, 2))
    assert words.tolist() == [
        [0xBDDFEB85, 0x9F6F2CDC],
        [0xE8176576, 0x10E855B3],
        [0x50F45E75, 0x4A198392],
        [0xEFDBF110, 0x9B523297],
        [0x35310CB7, 0xB29BD837],
    ]
    z = Draws((3,), (1, 2), CPU).normal(Purpose.INITIAL_WEIGHTS, 0)
    assert z[0, 0].tolist() == pytest.approx([0.4725540412266972, -1.5380005150480685])


def test_densities_fall_by_a_power_law_from_the_first_feature_on():
    told = [torch.tensor(column, dtype=torch.float64)[:, None] for column in ([0.2, 0.9], [2, 0])]
    density = [[0.8, 0.8 / 4, 0.8 / 9, 0.8 / 16], [0.1] * 4]
    found = power_law(4, *told)
    assert found.dtype == torch.float64
    assert (1 - found).tolist() == [pytest.approx(one) for one in density]
