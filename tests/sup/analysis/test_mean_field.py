"""The mean field's dimensions per feature against known answers, and against linear models."""

import numpy as np
import pytest
import torch

from sup.analysis.mean_field import mean_field, mean_field_loss
from sup.model.activations import GELU, Linear, ReLU, Sigmoid, SoLU, Tanh
from sup.model.families.mixing import Groups
from sup.model.families.straight import HardSigmoid, JumpReLU, LeakyReLU
from sup.model.smoothness import smoothness_of


@pytest.mark.parametrize(
    ("activation", "density", "expected"),
    [(GELU(), 1.0, 0.9588), (Tanh(), 1.0, 0.7521), (Sigmoid(), 0.05, 0.0228)],
)
def test_known_answers(activation, density, expected):
    D, _ = mean_field(activation, torch.tensor([density]), 10.0)
    assert D.item() == pytest.approx(expected, abs=1e-4)


def test_linear_models_get_a_projector_and_its_loss():
    p = torch.tensor([1.0, 0.3, 0.05])
    D, loss = mean_field(Linear(), p, 10.0)
    assert D.numpy() == pytest.approx(1, abs=1e-4)
    v = p.double() / 3 - p.double() ** 2 / 4
    assert loss.numpy() == pytest.approx((v * (1 - 0.1)).numpy(), rel=1e-6)


def test_the_loss_is_that_of_drawn_samples():
    generator = np.random.default_rng(0)
    a, b, p, crowd = 1.3, -0.1, 0.3, 5.0
    x = np.where(generator.random(400_000) < p, generator.random(400_000), 0)
    noise = generator.normal(size=400_000) * ((crowd - 1) * (p / 3 - p**2 / 4)) ** 0.5
    squares = (np.tanh(a * (x + noise) + b) - x) ** 2
    scale, bias, density = (torch.tensor([one], dtype=torch.float64) for one in (a, b, p))
    exact = mean_field_loss(torch.tanh, scale, bias, density, crowd, ())
    assert abs(exact.item() - squares.mean()) < 5 * squares.std() / 400_000**0.5


def gaussian_integrals(a, b, p, crowd):
    """Return ReLU's ``E (x - x')^2`` by the moments of a rectified normal, x by midpoints."""
    sd = a * np.sqrt((crowd - 1) * (p / 3 - p**2 / 4))
    x = (np.arange(20_000) + 0.5) / 20_000

    def square(x):
        mean = a * x + b
        u = mean / sd
        below = 0.5 * torch.special.erfc(torch.as_tensor(u / 2**0.5)).numpy()  # no output
        density = np.exp(-(u**2) / 2) / np.sqrt(2 * np.pi)
        first = mean * (1 - below) + sd * density
        second = (mean**2 + sd**2) * (1 - below) + mean * sd * density
        return second - 2 * x * first + x**2

    return (1 - p) * square(0.0) + p * square(x).mean()


@pytest.mark.parametrize("p", [1.0, 0.05, 0.02])
def test_relus_loss_is_that_of_gaussian_integrals(p):
    a, b = torch.tensor([0.7, 2.0, 1.2]).double(), torch.tensor([0.1, -0.6, 0.0]).double()
    found = mean_field_loss(ReLU(), a, b, torch.full((3,), p).double(), 10.0, (0.0,))
    exact = [gaussian_integrals(*pair, p, 10.0) for pair in zip(a.numpy(), b.numpy(), strict=True)]
    assert found.tolist() == pytest.approx(exact, rel=1e-6)


def test_relus_dimensions_per_feature_where_kinks_are_split():
    D, _ = mean_field(ReLU(), torch.tensor([0.05, 0.02]), 10.0)
    assert D.tolist() == pytest.approx([0.1488, 0.0754], abs=1e-4)


@pytest.mark.parametrize("activation", [JumpReLU(0.3), HardSigmoid(), lambda z: (z - 0.3).relu()])
def test_any_function_of_one_feature_has_one_with_its_kinks_wherever_they_are(activation):
    a, b, p, crowd = 2.0, -0.2, 0.1, 10.0
    D, loss = mean_field(activation, torch.tensor([p]), crowd)
    assert D.item() > 0
    A, B, P = (torch.tensor([each], dtype=torch.float64) for each in (a, b, p))
    found = mean_field_loss(activation, A, B, P, crowd, smoothness_of(activation, 1).kinks).item()
    assert 0 < loss.item() < found
    generator = np.random.default_rng(1)
    x = np.where(generator.random(400_000) < p, generator.random(400_000), 0)
    noise = generator.normal(size=400_000) * ((crowd - 1) * (p / 3 - p**2 / 4)) ** 0.5
    z = torch.from_numpy(a * (x + noise) + b)[None, None]
    squares = (activation(z)[0, 0].numpy() - x) ** 2
    assert abs(found - squares.mean()) < 5 * squares.std() / 400_000**0.5


def test_a_leak_of_one_is_linear():
    found = [
        mean_field(one, torch.tensor([0.3]), 10.0)[1].item() for one in (LeakyReLU(1.0), Linear())
    ]
    assert found[0] == pytest.approx(found[1], rel=1e-9)


@pytest.mark.parametrize("activation", [SoLU(), Groups(["relu", "tanh"])])
def test_what_is_no_one_function_of_one_feature_has_none(activation):
    assert all(one.isnan().all() for one in mean_field(activation, torch.tensor([0.3, 0.1]), 10.0))
