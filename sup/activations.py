"""Activation functions of the output, and their application to a stack of instances.

An activation is a module that maps pre-activations ``z [instance, feature, batch]`` to an array of
the same shape. It may mix the features of one sample (SoLU does) and nothing else: no instance's
output may depend on another instance, no sample's on another sample.
"""

from collections.abc import Callable, Sequence

import torch
from jaxtyping import Float
from torch import Tensor, nn

FEATURE_AXIS = -2

Activation = Callable[[Tensor], Tensor]


class Linear(nn.Module):
    """``f(z) = z``: the network without a nonlinearity."""

    def forward(self, z: Float[Tensor, "instance feature batch"]) -> Tensor:
        """Return `z` itself."""
        return z


class ReLU(nn.ReLU):
    """``f(z) = max(z, 0)``."""


class GELU(nn.GELU):
    """``f(z) = z Phi(z)``, exact (by erf). Hendrycks & Gimpel, 2016, eq. 1."""


class SiLU(nn.SiLU):
    """``f(z) = z / (1 + exp(-z))``. Elfwing et al., 2017, eq. 5."""


class Sigmoid(nn.Sigmoid):
    """``f(z) = 1 / (1 + exp(-z))``."""


class Tanh(nn.Tanh):
    """``f(z) = tanh(z)``."""


class SoLU(nn.Module):
    """``f(z) = z * softmax(z)``, the softmax over the features of one sample of one instance.

    Elhage et al., "Softmax Linear Units", 2022.
    """

    def forward(self, z: Float[Tensor, "instance feature batch"]) -> Tensor:
        """Return ``z * softmax(z)``, of the shape of `z`."""
        return z * torch.softmax(z, FEATURE_AXIS)


class StackedActivation:
    """Applies to each instance of a stack its own activation.

    Instances that share one stand together, so each activation sees one contiguous block.

    Args:
        blocks: the activations in the order of their instances, each with the number of instances
            it serves.
    """

    def __init__(self, blocks: Sequence[tuple[Activation, int]]):
        self.blocks = list(blocks)

    def __call__(self, z: Float[Tensor, "instance feature batch"]) -> Tensor:
        """Return the outputs ``[instance, feature, batch]``."""
        if len(self.blocks) == 1:
            return self.blocks[0][0](z)
        parts = z.split([count for _, count in self.blocks])
        return torch.cat(
            [activation(part) for (activation, _), part in zip(self.blocks, parts, strict=True)]
        )
