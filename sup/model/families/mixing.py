"""Activations that are not one function of one feature: over all features, or another for some."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from sup.config.options import part_of
from sup.model.activations import FEATURE_AXIS, Activation, Parameter, SoLU, Stacked, pullback

LEAST_VARIANCE = 1e-5
"""Added to the variance, as torch's own LayerNorm does."""


class NormalisedSoLU(nn.Module):
    """``f(z) = scale LayerNorm(z softmax(z)) + shift``, over the features; nothing is trained.

    Elhage et al., "Softmax Linear Units", 2022, who add it to win performance back, and find that
    it lets superposition in again: what the softmax leaves small, the norm makes large. Theirs
    learns a gain and a bias. Without either, outputs have mean 0 and variance 1 over the features
    of every sample, whatever that holds.

    Args:
        scale: the gain, of all features.
        shift: the bias, of all features.
    """

    def __init__(self, scale: Parameter = 1.0, shift: Parameter = 0.0):
        super().__init__()
        self.scale, self.shift = scale, shift

    def forward(self, z: Stacked) -> Tensor:
        """Return ``scale (s - mean(s)) / std(s) + shift`` of ``s = z softmax(z)``."""
        return self.scale * self._normalised(SoLU()(z))[0] + self.shift

    def pullback(self, z: Stacked, y: Stacked, g: Stacked) -> Tensor:
        """Return SoLU's of ``(g - mean(g) - u mean(g u)) scale / std(s)``, u the LayerNorm."""
        solu = SoLU()
        s = solu(z)
        u, factor = self._normalised(s)
        by_u = g * self.scale
        centred = by_u - by_u.mean(FEATURE_AXIS, keepdim=True)
        by_s = factor * (centred - u * (by_u * u).mean(FEATURE_AXIS, keepdim=True))
        return solu.pullback(z, s, by_s)

    def _normalised(self, s: Stacked) -> tuple[Tensor, Tensor]:
        """Return s without mean and with variance 1, and what it was multiplied by."""
        centred = s - s.mean(FEATURE_AXIS, keepdim=True)
        variance = centred.square().mean(FEATURE_AXIS, keepdim=True)
        factor = torch.rsqrt(variance + LEAST_VARIANCE)
        return centred * factor, factor


class Groups(nn.Module):
    """Consecutive groups of features, each with an activation of its own.

    The groups are as even as can be, the first ones larger (`torch.tensor_split`). Which features
    share dimensions, then, when some are rectified and others are not?

    Args:
        of: names of options without settings of their own, in the order of the groups.
    """

    def __init__(self, of: Sequence[str]):
        super().__init__()
        self.activations: list[Activation] = [part_of("activation", name).make() for name in of]

    def forward(self, z: Stacked) -> Tensor:
        """Return each group's output by its own activation."""
        parts = self._parts(z)
        pairs = zip(self.activations, parts, strict=True)
        return torch.cat([activation(own) for activation, own in pairs], FEATURE_AXIS)

    def pullback(self, z: Stacked, y: Stacked, g: Stacked) -> Tensor:
        """Return each group's gradient by its own activation."""
        parts = zip(*map(self._parts, (z, y, g)), strict=True)
        pairs = zip(self.activations, parts, strict=True)
        return torch.cat([pullback(activation, *own) for activation, own in pairs], FEATURE_AXIS)

    def _parts(self, array: Stacked) -> tuple[Tensor, ...]:
        return torch.tensor_split(array, len(self.activations), FEATURE_AXIS)
