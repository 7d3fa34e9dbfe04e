"""Exact training without samples, for up to three features.

The population loss is a sum over the subsets of features that can be present, each an integral over
[0, 1]^k: Gauss-Legendre nodes and weights give it, and its gradient, without sampling noise. The
nodes are the same at every density; only the probabilities of the subsets differ.
"""

from itertools import combinations, product

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

NODES = {1: 64, 2: 24, 3: 12}
"""Nodes along each axis of a subset's cube, by the number of features: 65, 625 and 2,197 in all."""


def nodes(n_features: int) -> tuple[Tensor, Tensor, Tensor]:
    """Return the nodes of all subsets, in float64.

    Args:
        n_features: n, at most 3.

    Returns:
        inputs ``[feature, node]``; which features are present ``[feature, node]``; weights
        ``[node]``, which sum to 1 within each subset.
    """
    at, weight = np.polynomial.legendre.leggauss(NODES[n_features])
    axis = list(zip((at + 1) / 2, weight / 2, strict=True))
    inputs, present, weights = [], [], []
    for size in range(n_features + 1):
        for subset in combinations(range(n_features), size):
            for point in product(axis, repeat=size):
                x = [0.0] * n_features
                for feature, (value, _) in zip(subset, point, strict=True):
                    x[feature] = value
                inputs.append(x)
                present.append([feature in subset for feature in range(n_features)])
                weights.append(np.prod([share for _, share in point]))
    x, here, share = (torch.from_numpy(np.array(rows)) for rows in (inputs, present, weights))
    return x.T, here.T, share


class QuadratureInputs(nn.Module):
    """The nodes as inputs, shared by all instances; takes the place of `sup.model.inputs.Inputs`.

    Args:
        n_features: n, at most 3.
        density: ``p`` of each instance's features.
    """

    x: Tensor
    probability: Tensor
    group_index: Tensor

    def __init__(self, n_features: int, density: Float[Tensor, "instance feature"]):
        super().__init__()
        x, present, weights = nodes(n_features)
        p = density.double()[..., None]
        probability = weights * torch.where(present, p, 1 - p).prod(1)
        self.register_buffer("x", x.contiguous().to(density.dtype)[None], persistent=False)
        self.register_buffer("probability", probability.to(density.dtype), persistent=False)
        self.register_buffer(
            "group_index", torch.zeros(len(density), dtype=torch.int64), persistent=False
        )

    def forward(self, words: Int[Tensor, "seed feature batch"]) -> Float[Tensor, "1 feature node"]:
        """Return the nodes, whatever the words."""
        return self.x

    def cost(
        self, importance: Float[Tensor, "instance feature"], batch: int
    ) -> Float[Tensor, "instance feature node"]:
        """Return what a squared error counts: importance times the node's probability."""
        return importance[..., None] * self.probability[:, None]
