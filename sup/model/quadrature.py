"""Training without samples, for up to three features.

The population loss is a sum over the subsets of features that can be present, each an integral over
[0, 1]^k: nodes and weights give it, and its gradient, without sampling noise. The nodes are the
same for every model and at every density; only the probabilities of the subsets differ.

What is trained is evaluated on other nodes, exact whatever its kinks (`sup.model.population`).
"""

from itertools import combinations, permutations

import torch
from jaxtyping import Bool, Float, Float64, Int
from torch import Tensor, nn

from sup.model.cubes import gauss

NODES = {1: (64,), 2: (64, 16), 3: (64, 12, 7)}
"""Nodes along each axis, by n and by the number of features present: 65, 641 and 3,115 in all.
Polynomials of a degree up to ``2 nodes - k`` in k features have their exact mean. Across ReLU's
kink the loss is off by up to 4e-4, but it is least nearly where the exact one is. The exact loss of
what two features reach, over the least, is at 256 densities and importances within 2.4e-4 of 1, at
95% of them within 6e-5, half of them 1e-6 (of a hard tanh: 3e-5 everywhere). 24 nodes along an axis
for 16 make it 9e-5 for twice the nodes of a step, 32 make it 8e-5 for 3.4 times as many."""

AT_ONCE = 1024
"""Models whose nodes' probabilities are computed at a time."""


def ordered(size: int, count: int) -> tuple[Float64[Tensor, "axis node"], Float64[Tensor, " node"]]:
    """Return nodes on ``[0, 1]^size``, and weights, of functions that are smooth but for x_i = x_j.

    There an antipodal pair of equal features has its kink. The cube is cut into simplices, one for
    each order of the coordinates, and each is a cube whose coordinates are multiplied one by one
    (Duffy, 1982).

    Args:
        size: of the cube.
        count: Gauss-Legendre nodes along each axis of each simplex.
    """
    at, weight = gauss(count)
    factors = torch.cartesian_prod(*[at] * size).view(-1, size)
    falling = factors.cumprod(-1)
    volume = falling[:, :-1].prod(-1) * torch.cartesian_prod(*[weight] * size).view(-1, size).prod(
        -1
    )
    orders = list(permutations(range(size)))
    return torch.cat([falling[:, order].T for order in orders], -1), volume.repeat(len(orders))


def nodes(
    n_features: int,
) -> tuple[Float64[Tensor, "feature node"], Bool[Tensor, "feature node"], Float64[Tensor, " node"]]:
    """Return the nodes of all subsets.

    Args:
        n_features: n, at most 3.

    Returns:
        Inputs; which features are present; weights, which sum to 1 within each subset.
    """
    inputs, present, weights = [], [], []
    for size in range(n_features + 1):
        own, weight = torch.zeros(0, 1), torch.ones(1)
        if size:
            own, weight = ordered(size, NODES[n_features][size - 1])
        for subset in combinations(range(n_features), size):
            x = torch.zeros(n_features, len(weight), dtype=torch.float64)
            x[list(subset)] = own.double()
            inputs.append(x)
            here = [feature in subset for feature in range(n_features)]
            present.append(torch.tensor(here)[:, None].expand_as(x))
            weights.append(weight.double())
    return torch.cat(inputs, -1), torch.cat(present, -1), torch.cat(weights)


class QuadratureInputs(nn.Module):
    """The nodes as inputs, shared by all instances; takes the place of `sup.model.inputs.Inputs`.

    Args:
        n_features: n, at most 3.
        density: ``p`` of each instance's features.
    """

    x: Tensor
    probability: Tensor
    group_index: Tensor
    own_density: Tensor

    def __init__(self, n_features: int, density: Float[Tensor, "instance feature"]):
        super().__init__()
        x, present, weights = nodes(n_features)
        self.rows = n_features
        chances = [  # some models at a time, as in float64 they take several times the room
            (weights * torch.where(present, p, 1 - p).prod(1)).to(density.dtype)
            for p in density.double()[..., None].split(AT_ONCE)
        ]
        self.register_buffer("x", x.contiguous().to(density.dtype)[None], persistent=False)
        self.register_buffer("own_density", density, persistent=False)
        self.register_buffer("probability", torch.cat(chances), persistent=False)
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
