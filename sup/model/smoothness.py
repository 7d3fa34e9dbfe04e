"""Where an activation's slope or value jumps: found by looking, so that a user's own has it too."""

from dataclasses import dataclass

import torch
from torch import Tensor

from sup.model.activations import Activation, pullback

REACH, CELLS = 16.0, 4096
"""Pre-activations that are looked at, on both sides of 0, and into how many cells they are cut."""

MOST_KINKS = 8
"""Kinks that are looked for; the largest jumps come first."""

HALVINGS = 40
"""Halvings of a cell, after which it is 7e-15 wide: a jump is left, a mere bend is not."""

ENTRIES = 2**20
"""Numbers of one array that are looked at at once: 8 MiB, however many features there are."""

JUMP, STRAIGHT = 1e-4, 1e-12
"""Difference of two slopes, or of a value from where slopes lead, from which on it is a jump, and
below which there is none at all."""


@dataclass(frozen=True)
class Smoothness:
    """What a quadrature must know of an activation.

    Args:
        mixes: whether an output depends on other features' pre-activations, as SoLU's does.
        kinks: pre-activations, rising, at which its slope or value jumps; none where it mixes.
        is_straight: whether it is straight between its kinks.
        jumps: whether the value jumps, too, at a kink.
    """

    mixes: bool
    kinks: tuple[float, ...]
    is_straight: bool
    jumps: bool = False


def smoothness_of(activation: Activation, n_features: int) -> Smoothness:
    """Look at an activation's output and slope between -16 and 16, in float64.

    Args:
        activation: of one model, or of any number.
        n_features: for which it may have parameters of its own.
    """
    edges = torch.linspace(-REACH, REACH, CELLS + 1, dtype=torch.float64)
    if _mixes(activation, edges, n_features):
        return Smoothness(True, (), False)

    def value_and_slope(z: Tensor) -> tuple[Tensor, Tensor]:
        stacked = _alike(z, n_features)
        value = activation(stacked)
        return value[0], pullback(activation, stacked, value, torch.ones_like(stacked))[0]

    def jump(low: Tensor, high: Tensor) -> Tensor:
        (start, first), (end, last) = value_and_slope(low), value_and_slope(high)
        step = end - start - (high - low) * (first + last) / 2
        return torch.maximum((last - first).abs(), step.abs()).amax(0).nan_to_num()

    some = max(1, ENTRIES // n_features)
    cells = zip(edges[:-1].split(some), edges[1:].split(some), strict=True)
    change = torch.cat([jump(*ends) for ends in cells])
    found = change.topk(MOST_KINKS).indices
    low, high = edges[found], edges[found + 1]
    for _ in range(HALVINGS):
        middle = (low + high) / 2
        is_left = jump(low, middle) >= jump(middle, high)
        low, high = torch.where(is_left, low, middle), torch.where(is_left, middle, high)
    is_kink = jump(low, high) > JUMP
    change[found[is_kink]] = 0
    kinks = sorted(high[is_kink].tolist())
    left, right = (activation(_alike(side, n_features)) for side in (low, high))
    jumps = bool(((right - left).abs().amax((0, 1)) > JUMP)[is_kink].any())
    return Smoothness(False, tuple(kinks), bool(change.max() < STRAIGHT), jumps)


def _alike(z: Tensor, n_features: int) -> Tensor:
    """Return pre-activations of one model whose features all have the same."""
    return z.expand(1, n_features, -1).contiguous()


def _mixes(activation: Activation, z: Tensor, n_features: int) -> bool:
    """Tell whether any feature's output depends on another one's pre-activation.

    Of two features one digit of their numbers, written to the base of 2, differs. So each is looked
    at while each other is changed, all those at once that have the same digit, and none as another.
    """
    z = z[:: max(1, len(z) * n_features // ENTRIES)]
    here, number = _alike(z, n_features), torch.arange(n_features)
    before, shifted = activation(here), (here + number[:, None]).cos()
    for digit in range((n_features - 1).bit_length()):
        for value in (0, 1):
            changed = (number >> digit & 1) == value
            there = torch.where(changed[:, None], shifted, here)
            if not torch.equal(activation(there)[:, ~changed], before[:, ~changed]):
                return True
    return False
