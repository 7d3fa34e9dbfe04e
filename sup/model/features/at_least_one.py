"""Independent features, in samples in which one at least is present."""

import torch
from torch import Tensor

from sup.model.features.presence import (
    Blocks,
    Chosen,
    Column,
    Presence,
    Present,
    Words,
    happens,
)


class AtLeastOne(Presence):
    """Independent features of a sparsity, given that not all of them are zero.

    Samples of nothing but zeros tell a model about its biases alone. Without them the limit of a
    sparsity of 1 can be trained: one feature in each sample, as Elhage et al., 2022, describe it.

    Args:
        n_features: n.
        sparsity: S of each feature, before samples of zeros are left out.
    """

    below: Tensor
    first: Tensor

    def __init__(self, n_features: int, sparsity: Column):
        p, n = 1 - sparsity, n_features
        # log1p, as 1 - p^n loses all digits of a small p.
        some = -torch.expm1(n * torch.log1p(-p.clamp_max(1 - 1e-16)))
        blocks = Blocks(1, torch.zeros_like(some[:, 0]), some[:, 0])
        super().__init__(n + 1, (p / some).expand(-1, n), blocks)
        before = torch.arange(n).to(p)
        # That the first feature present is one of the first k + 1, rising to 1.
        first = -torch.expm1((before + 1) * torch.log1p(-p.clamp_max(1 - 1e-16))) / some
        self.remember(below=p.expand(-1, n), first=first)

    def forward(self, words: Words) -> Present:
        """Return which features are present; see `Presence`."""
        own, which = words.tensor_split((self.below.shape[1],), 1)
        reached = happens(which.expand(-1, own.shape[1], -1), self.first)
        others = happens(own, self.below)
        # Up to the first that is present, all others are absent; after it they are independent.
        earlier = torch.cat([torch.zeros_like(reached[:, :1]), reached[:, :-1]], 1)
        return (reached & ~earlier) | (earlier & others)

    def having(self, words: Words, chosen: Chosen) -> Present:
        """Return which are where some are, by which none is left out; see `Presence`."""
        own = words[:, : self.below.shape[1]]
        return happens(own, self.below).scatter(1, chosen, True)
