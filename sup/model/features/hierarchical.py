"""Features that are present only where another one is, as a breed is only where there is a dog."""

import torch
from torch import Tensor

from sup.config.rules import SettingError
from sup.model.features.presence import (
    Blocks,
    Chosen,
    Column,
    Presence,
    Present,
    Words,
    happens,
)


class Hierarchical(Presence):
    """Groups of a parent and its children; a child is present only if its parent is.

    The first feature of each group is the parent, present with probability ``p = 1 - S``; each of
    the others is present with probability `child` if the parent is, by itself, and so with ``child
    p`` in all. Feature absorption and splitting in sparse autoencoders are studied on such data
    (Chanin et al., 2024, "A is for Absorption").

    Args:
        n_features: n.
        sparsity: S of the parents.
        child: probability of a child where its parent is present, in (0, 1].
        size: features of a group, the parent among them; a divisor of n.

    Raises:
        SettingError: where it is none.
    """

    parent: Tensor
    below: Tensor

    def __init__(self, n_features: int, sparsity: Column, child: Column, size: int):
        if n_features % size:
            raise SettingError("features.size", size, f"must divide n_features={n_features}")
        self.size = size
        p, child = torch.broadcast_tensors(1 - sparsity, child)
        own = torch.cat([torch.ones_like(p), child.expand(-1, size - 1)], 1)
        own = own.repeat(1, n_features // size)
        groups = n_features // size
        blocks = Blocks.of(size, ((1 - p) ** groups)[:, 0])
        super().__init__(n_features + groups, own * p, blocks)
        self.remember(parent=p, below=own)

    def forward(self, words: Words) -> Present:
        """Return which features are present; see `Presence`."""
        parents, own = self.by_themselves(words)
        return parents.repeat_interleave(self.size, 1) & own

    def having(self, words: Words, chosen: Chosen) -> Present:
        """Return which are where some are, and so their parents; see `Presence`."""
        parents, own = self.by_themselves(words)
        parents = parents.scatter(1, chosen // self.size, True)
        return parents.repeat_interleave(self.size, 1) & own.scatter(1, chosen, True)

    def by_themselves(self, words: Words) -> tuple[Tensor, Present]:
        """Return which parents are present, ``[group, parent, batch]``, and which would be then."""
        own, of_groups = words.tensor_split((self.below.shape[1],), 1)
        return happens(of_groups, self.parent), happens(own, self.below)
