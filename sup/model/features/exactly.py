"""A fixed number of features is present in every sample."""

import torch

from sup.config.rules import SettingError
from sup.model.features.presence import Blocks, Chosen, Presence, Present, Words


class Exactly(Presence):
    """Of n features, `active` are present in each sample, any of them equally often.

    With one, it is the setting of Chen et al., 2023, "Dynamical versus Bayesian Phase Transitions
    in a Toy Model of Superposition", whose best models of two dimensions are regular polygons.

    Args:
        n_features: n.
        active: how many, from 1 to n.

    Raises:
        SettingError: where there are not so many.
    """

    def __init__(self, n_features: int, active: int):
        if active > n_features:
            allowed = f"must be at most n_features={n_features}"
            raise SettingError("features.active", active, allowed)
        self.active = active
        density = torch.full((1, n_features), active / n_features, dtype=torch.float64)
        none = torch.zeros(1, dtype=torch.float64)
        super().__init__(n_features, density, Blocks.of(n_features, none))

    def forward(self, words: Words) -> Present:
        """Return which features are present: those with the least words. See `Presence`."""
        chosen = words.topk(self.active, 1, largest=False, sorted=False).indices
        return torch.zeros_like(words, dtype=torch.bool).scatter_(1, chosen, True)

    def having(self, words: Words, chosen: Chosen) -> Present:
        """Return which are where one is; see `Presence`."""
        return self(words.expand(len(chosen), -1, -1).scatter(1, chosen, -1))
