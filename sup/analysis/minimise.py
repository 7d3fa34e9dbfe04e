"""Many small minimisations at once, each by BFGS with a backtracking line search.

Nocedal & Wright, "Numerical Optimization", 2006, algorithm 6.1. The first inverse Hessian is that
of differences of gradients with its eigenvalues made positive (Dauphin et al., 2014, "saddle-free
Newton"), so that scales which differ by the density of features do not matter, and saddles repel.
Every iteration tries one point of each problem: a step that does not pay is shortened in the next.
"""

from collections.abc import Callable

import torch
from jaxtyping import Float, Int
from torch import Tensor

Function = Callable[
    [Float[Tensor, "problem parameter"], Int[Tensor, " problem"]],
    tuple[Float[Tensor, " problem"], Float[Tensor, "problem parameter"]],
]
"""Values and gradients at one point for each of some problems, whose numbers come second."""

DIFFERENCE = 1e-5
"""Between points whose gradients make the first Hessian; parameters are of order 1."""

FLATTEST = 1e-4
"""Least eigenvalue of the first Hessian, over the greatest: a step may be long, but not endless."""

LONGEST = 2.0
"""Length of a step, beyond which a model is not like the one that the step was made for."""

PAYS, SHORTER, SHORTEST = 1e-4, 0.3, 1e-9
"""Share of the promised decrease that a step must bring (Armijo), by what it is shortened if it
does not, and the share of it at which nothing is left to gain."""


def minimise(
    function: Function,
    start: Float[Tensor, "problem parameter"],
    iterations: int,
    tolerance: float,
) -> tuple[Float[Tensor, "problem parameter"], Float[Tensor, " problem"]]:
    """Return where each problem's value is least near its start, and that value.

    Args:
        function: values of order 1; where one is not finite, a step is too long.
        start: in float64.
        iterations: at the most.
        tolerance: promised decrease of the value at which a problem is solved.
    """
    point, live = start, torch.arange(len(start))
    value, gradient = function(point, live)
    best, least = point.clone(), value.clone()
    inverse = _first_inverse(function, point, gradient)
    direction, share = _towards(inverse, gradient), torch.ones_like(value)
    for _ in range(iterations):
        promised = -(direction * gradient).sum(-1)
        going = (promised > tolerance) & (share > SHORTEST) & value.isfinite()
        held = (point, live, value, gradient, inverse, direction, share, promised)
        point, live, value, gradient, inverse, direction, share, promised = (
            each[going] for each in held
        )
        if not len(live):
            break
        tried = point + share[:, None] * direction
        new, slope = function(tried, live)
        pays = new <= value - PAYS * share * promised
        inverse = _updated(inverse, tried - point, slope - gradient, pays)
        point = torch.where(pays[:, None], tried, point)
        value = torch.where(pays, new, value)
        gradient = torch.where(pays[:, None], slope, gradient)
        direction = torch.where(pays[:, None], _towards(inverse, gradient), direction)
        share = torch.where(pays, 1.0, share * SHORTER)
        best[live], least[live] = point, value
    return best, least


def _towards(inverse: Tensor, gradient: Tensor) -> Tensor:
    """Return the quasi-Newton step, no longer than `LONGEST`."""
    step = -(inverse @ gradient[..., None])[..., 0]
    return step * (LONGEST / step.norm(dim=-1, keepdim=True)).clamp(max=1)


def _first_inverse(function: Function, point: Tensor, gradient: Tensor) -> Tensor:
    """Return the inverse of the Hessian with the absolute values of its eigenvalues."""
    every = torch.arange(len(point))
    moves = DIFFERENCE * torch.eye(point.shape[-1], dtype=point.dtype)
    columns = [(function(point + move, every)[1] - gradient) / DIFFERENCE for move in moves]
    hessian = torch.stack(columns, -1).nan_to_num()
    values, vectors = torch.linalg.eigh((hessian + hessian.mT) / 2)
    size = values.abs()
    size = size.clamp_min(FLATTEST).maximum(FLATTEST * size.amax(-1, keepdim=True))
    return (vectors / size[..., None, :]) @ vectors.mT


def _updated(inverse: Tensor, step: Tensor, change: Tensor, pays: Tensor) -> Tensor:
    """Return the inverse Hessians after steps that changed gradients, where they tell curvature."""
    product = (step * change).sum(-1)
    least = 1e-10 * step.norm(dim=-1) * change.norm(dim=-1)
    sound = (pays & (product > least))[:, None, None]
    scaled = torch.where(product > least, 1 / product, 0.0)[:, None, None]
    left = torch.eye(step.shape[-1], dtype=step.dtype) - scaled * (
        step[:, :, None] * change[:, None, :]
    )
    new = left @ inverse @ left.mT + scaled * (step[:, :, None] * step[:, None, :])
    return torch.where(sound, new, inverse)
