"""Many minimisations at once."""

import torch

from sup.analysis.minimise import minimise


def valley(point, problem):
    """Rosenbrock's function, a narrower valley for each problem."""
    x, y = point.T
    steep = 10.0 ** (problem + 1)
    value = (1 - x).square() + steep * (y - x.square()).square()
    dx = -2 * (1 - x) - 4 * steep * x * (y - x.square())
    return value, torch.stack([dx, 2 * steep * (y - x.square())], -1)


def test_curved_valleys_are_followed_to_their_end():
    start = torch.tensor([[-1.2, 1.0], [2.0, -1.0], [-0.5, 2.0]]).double()
    point, value = minimise(valley, start, 300, 1e-14)
    assert torch.allclose(point, torch.ones(3, 2).double(), atol=1e-5)
    assert (value < 1e-11).all()
    alone, _ = minimise(lambda one, _: valley(one, torch.tensor([1])), start[1:2], 300, 1e-14)
    assert torch.equal(alone[0], point[1])


def test_scales_do_not_matter_and_saddles_are_left():
    def function(point, problem):
        x, y = point.T
        value = x.square().square() / 4 - x.square() / 2 + 1e3 * y.square()
        return value, torch.stack([x**3 - x, 2e3 * y], -1)

    point, value = minimise(function, torch.tensor([[1e-3, 1.0]]).double(), 100, 1e-14)
    assert torch.allclose(point, torch.tensor([[1.0, 0.0]]).double(), atol=1e-6)
    assert abs(value.item() + 0.25) < 1e-12


def test_what_is_not_finite_is_a_step_too_far():
    def logarithm(point, problem):
        (x,) = point.T
        return x - x.log(), (1 - 1 / x)[:, None]

    point, _ = minimise(logarithm, torch.tensor([[0.01], [3.0], [-1.0]]).double(), 100, 1e-14)
    assert torch.allclose(point[:2], torch.ones(2, 1).double(), atol=1e-6)
    assert point[2].item() == -1


def test_no_iterations_are_none():
    start = torch.tensor([[-1.2, 1.0]]).double()
    point, value = minimise(valley, start, 0, 1e-9)
    assert torch.equal(point, start)
    assert torch.equal(value, valley(start, torch.tensor([0]))[0])
