"""Gradient clipping for a stack: each model's gradient by itself, as if it were alone."""

from collections.abc import Callable, Sequence
from functools import partial

import torch
from jaxtyping import Float
from torch import Tensor

Gradients = Callable[[Tensor], Tensor]
"""Returns each instance's loss on a batch, and leaves the parameters' `grad`."""


def clipped(
    gradients: Gradients,
    parameters: Sequence[Tensor],
    most: float | int | None,
    algorithm: str | None,
) -> Gradients:
    """Return `gradients` with a limit on what it leaves; itself where there is none.

    Args:
        gradients: is called with a batch.
        parameters: whose gradients they are, ``[instance, ...]`` each.
        most: the limit.
        algorithm: ``value`` limits each number of a gradient; else the norm over all of an
            instance's parameters is limited (Pascanu et al., 2013, algorithm 1).
    """
    if most is None:
        return gradients
    clip = clip_values if algorithm == "value" else clip_norms
    return partial(_then, gradients, partial(clip, list(parameters), most))


def _then(gradients: Gradients, clip: Callable[[], None], words: Tensor) -> Tensor:
    losses = gradients(words)
    clip()
    return losses


def held(parameters: Sequence[Tensor]) -> list[Float[Tensor, "instance ..."]]:
    """Return the gradients of parameters that have one."""
    return [parameter.grad for parameter in parameters if parameter.grad is not None]


@torch.no_grad()
def clip_norms(parameters: Sequence[Tensor], most: float | int) -> None:
    """Scale each instance's gradient to a norm of `most` where it is longer, as torch does."""
    found = held(parameters)
    squares = torch.stack([gradient.flatten(1).square().sum(1) for gradient in found])
    factor = (most / (squares.sum(0).sqrt() + 1e-6)).clamp(max=1)
    for gradient in found:
        gradient.mul_(factor.view(-1, *(1,) * (gradient.ndim - 1)))


@torch.no_grad()
def clip_values(parameters: Sequence[Tensor], most: float | int) -> None:
    """Limit each number of the gradients to [-most, most]."""
    for gradient in held(parameters):
        gradient.clamp_(-most, most)
