"""What is found out about an activation by looking at it."""

from itertools import product

import pytest
import torch
from torch import nn

from sup.model.activations import GELU, Linear, ReLU, Sigmoid, SoLU
from sup.model.smoothness import smoothness_of


class Shifted(nn.Module):
    """ReLU with a threshold of its own for each of two features."""

    def forward(self, z):
        return (z - torch.tensor([-0.3, 1.2], dtype=z.dtype)[:, None]).clamp(min=0)


@pytest.mark.parametrize(
    ("activation", "kinks", "is_straight"),
    [
        (Linear(), [], True),
        (ReLU(), [0], True),
        (nn.LeakyReLU(0.1), [0], True),
        (nn.Hardtanh(-0.2, 0.5), [-0.2, 0.5], True),
        (Shifted(), [-0.3, 1.2], True),
        (nn.ELU(alpha=2), [0], False),
        (nn.Hardswish(), [-3, 3], False),
        (GELU(), [], False),
        (Sigmoid(), [], False),
        (nn.Softplus(beta=5), [], False),
        (lambda z: torch.where(z > 0.3, z, 0 * z), [0.3], True),
        (lambda z: (z > 0.3).to(z) + 0.5 * z, [0.3], True),
        (lambda z: (z > 0.3).to(z) + z.tanh(), [0.3], False),
    ],
)
def test_kinks_are_where_the_slope_jumps(activation, kinks, is_straight):
    found = smoothness_of(activation, 2)
    assert found.kinks == pytest.approx(kinks, abs=1e-12)
    assert (found.is_straight, found.mixes) == (is_straight, False)


def test_a_softmax_over_features_mixes_them():
    assert smoothness_of(SoLU(), 2).mixes
    assert smoothness_of(SoLU(), 3).mixes
    assert not smoothness_of(SoLU(), 1).mixes


@pytest.mark.parametrize("n", [2, 3, 5])
def test_any_feature_that_any_other_one_changes_is_seen(n: int):
    def leaking(z: torch.Tensor) -> torch.Tensor:
        out = z.clone()
        out[:, into] += z[:, source] - (z[:, other] if other != into else 0)
        return out

    for into, source, other in product(range(n), repeat=3):
        if source not in (into, other):
            assert smoothness_of(leaking, n).mixes
    assert not smoothness_of(torch.sigmoid, n).mixes
