"""Activations that bend: between linear and ReLU, or onto [0, 1]."""

import torch
from torch import Tensor, nn

from sup.model.activations import Parameter, Stacked

EXACT = 40.0
"""Pre-activations from which on softplus is z to the last bit of float64."""


class Softplus(nn.Module):
    """``f(z) = log(1 + exp(beta z)) / beta``. Dugas et al., 2001; torch's beta.

    Towards an infinite beta it is ReLU. It is ``log 2 / beta`` at 0, which a bias makes up for.
    """

    expressions = ("max(z, 0) + log(1 + exp(-abs(beta * z))) / beta", "sigmoid(beta * z)")

    def __init__(self, beta: Parameter = 1.0):
        super().__init__()
        self.beta = beta

    def forward(self, z: Stacked) -> Tensor:
        """Return log(1 + exp(beta z)) / beta."""
        return nn.functional.softplus(self.beta * z, threshold=EXACT) / self.beta

    def pullback(self, z: Stacked, y: Stacked, g: Stacked) -> Tensor:
        """Return g s(beta z), s the sigmoid."""
        return g * torch.sigmoid(self.beta * z)


class Swish(nn.Module):
    """``f(z) = z s(beta z)``, s the sigmoid. Ramachandran et al., 2017, section 4.

    0 is ``z / 2``, as good as linear; 1 is SiLU; 1.702 is nearly GELU; towards infinity it is ReLU.
    """

    expressions = (
        "z * sigmoid(beta * z)",
        "sigmoid(beta * z) * (1 + beta * z * (exp(min(-beta * z, 88)) * sigmoid(beta * z)))",
    )

    def __init__(self, beta: Parameter = 1.0):
        super().__init__()
        self.beta = beta

    def forward(self, z: Stacked) -> Tensor:
        """Return z s(beta z)."""
        return z * torch.sigmoid(self.beta * z)

    def pullback(self, z: Stacked, y: Stacked, g: Stacked) -> Tensor:
        """Return g (s(u) + u s(u) (1 - s(u))), u = beta z."""
        return torch.ops.aten.silu_backward(g, self.beta * z)


class ELU(nn.Module):
    """``f(z) = z where z > 0, else alpha (exp(z) - 1)``. Clevert et al., 2015, eq. 15.

    The alpha is how far it falls below 0, and its slope left of 0; 0 is ReLU.
    """

    expressions = (
        "where(z > 0, z, alpha * (exp(min(z, 0)) - 1))",
        "where(z > 0, 1, alpha * exp(min(z, 0)))",
    )

    def __init__(self, alpha: Parameter = 1.0):
        super().__init__()
        self.alpha = alpha

    def forward(self, z: Stacked) -> Tensor:
        """Return z, or alpha (exp(z) - 1) where that is not above 0."""
        return torch.where(z > 0, z, self.alpha * torch.expm1(z.clamp(max=0)))

    def pullback(self, z: Stacked, y: Stacked, g: Stacked) -> Tensor:
        """Return g where z > 0, else g alpha exp(z)."""
        return torch.where(z > 0, g, g * self.alpha * z.clamp(max=0).exp())


class CELU(nn.Module):
    """``f(z) = z where z > 0, else alpha (exp(z / alpha) - 1)``. Barron, 2017, eq. 2.

    ELU without its kink: the slope is 1 on both sides of 0. Towards 0 it is ReLU, towards infinity
    linear.
    """

    expressions = (
        "where(z > 0, z, alpha * (exp(min(z, 0) / alpha) - 1))",
        "where(z > 0, 1, exp(min(z, 0) / alpha))",
    )

    def __init__(self, alpha: Parameter = 1.0):
        super().__init__()
        self.alpha = alpha

    def forward(self, z: Stacked) -> Tensor:
        """Return z, or alpha (exp(z / alpha) - 1) where that is not above 0."""
        return torch.where(z > 0, z, self.alpha * torch.expm1(z.clamp(max=0) / self.alpha))

    def pullback(self, z: Stacked, y: Stacked, g: Stacked) -> Tensor:
        """Return g where z > 0, else g exp(z / alpha)."""
        return torch.where(z > 0, g, g * (z.clamp(max=0) / self.alpha).exp())


class SquaredReLU(nn.Module):
    """``f(z) = max(z, 0)^2``. So et al., 2021 (Primer), section 3.

    Nothing near 0, so that small interference is squared away; 1 at 1.
    """

    expressions = ("max(z, 0) * max(z, 0)", "2 * max(z, 0)")

    def forward(self, z: Stacked) -> Tensor:
        """Return max(z, 0)^2."""
        return z.clamp(min=0).square()

    def pullback(self, z: Stacked, y: Stacked, g: Stacked) -> Tensor:
        """Return 2 g max(z, 0)."""
        return 2 * g * z.clamp(min=0)


class UnitTanh(nn.Module):
    """``f(z) = (1 + tanh(z)) / 2``: tanh matched to inputs in [0, 1].

    It is the sigmoid of 2 z: what separates it from that is scale alone, and what separates tanh
    from both is where it has its 0.
    """

    expressions = ("0.5 + 0.5 * tanh(z)", "2 * y * (1 - y)")

    def forward(self, z: Stacked) -> Tensor:
        """Return (1 + tanh(z)) / 2."""
        return 0.5 + 0.5 * z.tanh()

    def pullback(self, z: Stacked, y: Stacked, g: Stacked) -> Tensor:
        """Return 2 g y (1 - y)."""
        return 2 * g * y * (1 - y)
