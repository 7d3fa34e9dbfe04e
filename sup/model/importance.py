"""How much each feature weighs in the loss: ``I_i``, one vector for each instance.

A parameter is a column ``[instance, 1]`` with a value for each instance.
"""

import torch
from jaxtyping import Float
from torch import Tensor


def geometric(
    n_features: int, decay: Float[Tensor, "instance 1"]
) -> Float[Tensor, "instance feature"]:
    """``I_i = decay^i``, i = 0..n-1, decay in (0, 1]. Elhage et al., 2022."""
    return decay ** torch.arange(n_features, dtype=decay.dtype)


def uniform(n_features: int) -> Float[Tensor, "1 feature"]:
    """``I_i = 1``."""
    return torch.ones(1, n_features, dtype=torch.float64)


def relative(
    n_features: int, ratio: Float[Tensor, "instance 1"]
) -> Float[Tensor, "instance feature"]:
    """``I_i = 1`` but for the last ("extra") feature, whose importance is ``ratio`` > 0.

    The vertical axis of the phase diagrams of Elhage et al., 2022.
    """
    return torch.cat([torch.ones(len(ratio), n_features - 1, dtype=ratio.dtype), ratio], dim=1)


def explicit(n_features: int, values: Float[Tensor, "1 feature"]) -> Float[Tensor, "1 feature"]:
    """Return the given importances, at least 0 each."""
    return values
