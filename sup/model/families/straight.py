"""Activations that are straight between their kinks: leaks, cut-offs and jumps.

At a kink itself the slope is that of the left side, as torch's own have it.
"""

import torch
from torch import Tensor, nn

from sup.model.activations import Parameter, Stacked


class LeakyReLU(nn.Module):
    """``f(z) = z where z > 0, else slope z``. Maas et al., 2013, section 2.

    The slope is the leak: 0 is ReLU, 1 is linear, -1 the absolute value.
    """

    expressions = ("where(z > 0, z, slope * z)", "where(z > 0, 1, slope)")

    def __init__(self, slope: Parameter = 0.01):
        super().__init__()
        self.slope = slope

    def forward(self, z: Stacked) -> Tensor:
        """Return z, or slope z where that is not above 0."""
        return torch.where(z > 0, z, self.slope * z)

    def pullback(self, z: Stacked, y: Stacked, g: Stacked) -> Tensor:
        """Return g where z > 0, else slope g."""
        return torch.where(z > 0, g, self.slope * g)


class Abs(nn.Module):
    """``f(z) = |z|``: even, so that a feature and its opposite look the same.

    TMS computes it (Elhage et al., 2022, "Computation in Superposition"); here it is the output's.
    """

    expressions = ("abs(z)", "where(z > 0, 1, -1)")

    def forward(self, z: Stacked) -> Tensor:
        """Return |z|."""
        return z.abs()

    def pullback(self, z: Stacked, y: Stacked, g: Stacked) -> Tensor:
        """Return g where z > 0, else -g."""
        return torch.where(z > 0, g, -g)


class ReLU6(nn.ReLU6):
    """``f(z) = min(max(z, 0), 6)``. Krizhevsky, 2010, "Convolutional Deep Belief Networks"."""

    expressions = ("min(max(z, 0), 6)", "where((z > 0) & (z < 6), 1, 0)")

    def pullback(self, z: Stacked, y: Stacked, g: Stacked) -> Tensor:
        """Return g where 0 < z < 6, else 0."""
        return torch.ops.aten.hardtanh_backward(g, z, 0, 6)


class HardSigmoid(nn.Module):
    """``f(z) = min(max(z + 3, 0), 6) / 6``: reaches 0 and 1. Howard et al., 2019, section 5.2."""

    expressions = ("min(max(z + 3, 0), 6) / 6", "where((z > -3) & (z < 3), 1 / 6, 0)")

    def forward(self, z: Stacked) -> Tensor:
        """Return min(max(z + 3, 0), 6) / 6; torch's own has a sixth of float32 in float64, too."""
        return (z + 3).clamp(0, 6) / 6

    def pullback(self, z: Stacked, y: Stacked, g: Stacked) -> Tensor:
        """Return g / 6 where -3 < z < 3, else 0."""
        return torch.ops.aten.hardtanh_backward(g, z, -3, 3) / 6


class JumpReLU(nn.Module):
    """``f(z) = z where z > threshold, else 0``. Rajamanoharan et al., 2024, section 3.

    Its slope is 1 above the threshold and 0 below. The jump itself has no gradient: what they put
    in its place, a straight-through estimate (section 4), is not applied, so training sees nothing
    of what is gained or lost by taking a pre-activation across the threshold.
    """

    expressions = ("where(z > threshold, z, 0)", "where(z > threshold, 1, 0)")

    def __init__(self, threshold: Parameter = 0.1):
        super().__init__()
        self.threshold = threshold

    def forward(self, z: Stacked) -> Tensor:
        """Return z where it is above the threshold, else 0."""
        return torch.where(z > self.threshold, z, 0.0)

    def pullback(self, z: Stacked, y: Stacked, g: Stacked) -> Tensor:
        """Return g where z is above the threshold, else 0."""
        return torch.where(z > self.threshold, g, 0.0)
