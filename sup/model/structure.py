"""What models are made of, beside the plain ``x' = f(W^T W x + b)``: the options of `model`."""

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

Column = float | int | Float[Tensor, " instance"]


@dataclass(frozen=True)
class Plain:
    """``x' = f(W^T W x + b)``, and the squared error."""


@dataclass(frozen=True)
class Tied:
    """``x' = f(W^T h + b)`` of ``h = g(W x) + noise``.

    Args:
        bias: whether b is learned; else it stays 0.
        hidden_activation: the name of g. With one, the hidden dimensions are a privileged basis
            (Elhage et al., 2022, "Superposition in a Privileged Basis").
        noise: standard deviation of normal noise on h, in training.
        l1: what the sum of ``|h|`` counts in the loss that is minimised (Lecomte et al., 2023).
        exponent: q of the loss ``sum_i I_i |x_i - x'_i|^q``.
        task: what the output is to be, see `sup.model.tasks`.
    """

    bias: bool
    hidden_activation: str
    noise: Column
    l1: Column
    exponent: float | int
    task: str


@dataclass(frozen=True)
class Untied(Tied):
    """``x' = f(D^T h + b)`` with a decoder D of its own, initialised by itself.

    Args:
        unit_norm: whether each feature's direction in it is scaled to norm 1, as those of sparse
            autoencoders are (Bricken et al., 2023).
    """

    unit_norm: bool


def is_noisy(structure: Plain | Tied) -> bool:
    """Tell whether any of the models has noise: inputs of all of them then have rows for it."""
    return isinstance(structure, Tied) and bool(torch.as_tensor(structure.noise > 0).any())
