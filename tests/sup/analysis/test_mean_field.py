"""The mean field's dimensions per feature against known answers, and against linear models."""

import numpy as np
import pytest
import torch

from sup.analysis.mean_field import mean_field, mean_field_loss
from sup.model.activations import GELU, Linear, Sigmoid, Tanh


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
    exact = mean_field_loss(torch.tanh, scale, bias, density, crowd)
    assert abs(exact.item() - squares.mean()) < 5 * squares.std() / 400_000**0.5
