"""Groups of features that tend to be present together, or instead of each other.

Elhage et al., 2022, "Organization of correlated and anticorrelated features", has their limits:
groups of which all features are present or none, and of which one at most is.
"""

import torch
from jaxtyping import Bool, Float64
from torch import Tensor

from sup.config.rules import SettingError
from sup.model.features.presence import Column, Presence, Words, happens


class Correlated(Presence):
    """Each group of features is, with some probability, tied; else its features are independent.

    Of a tied group either all features are present or none (`correlation` > 0), or one at most
    (`correlation` < 0). Each feature is present with probability p whatever the correlation, and
    ``correlation`` is that of the presence of any two features of a group: of all or none it is 1,
    of one at most ``-p / (1 - p)``, and in between the share of tied samples is in proportion.

    Args:
        n_features: n.
        sparsity: S of every feature.
        correlation: from ``-p / (1 - p)`` to 1; negative only where ``p <= 1 / size``.
        size: features of a group, a divisor of n; consecutive ones.

    Raises:
        SettingError: for a size or a correlation that cannot be.
    """

    below: Tensor
    tied: Tensor
    any_present: Tensor
    together: Tensor

    def __init__(self, n_features: int, sparsity: Column, correlation: Column, size: int):
        p = 1 - sparsity
        check(n_features, p, correlation, size)
        self.groups, self.size = n_features // size, size
        super().__init__(n_features + 3 * self.groups, p.expand(-1, n_features))
        together = correlation >= 0
        least = p / (1 - p).clamp_min(2**-32)
        share = torch.where(together, correlation, -correlation / least)
        # That a tied group has a feature present: all of it, or one of its own.
        self.remember(below=p, tied=share, any_present=torch.where(together, p, size * p))
        self.register_buffer("together", together[..., None], persistent=False)

    def forward(self, words: Words) -> Bool[Tensor, "group feature batch"]:
        """Return which features are present; see `Presence`."""
        own, *shared = words.split((self.groups * self.size, *[self.groups] * 3), 1)
        tied, anything, place = (self.of_features(one) for one in shared)
        which = torch.arange(self.size, device=words.device).repeat(self.groups)[:, None]
        chosen = self.together | ((place * self.size) >> 32 == which)
        alike = happens(anything, self.any_present) & chosen
        return torch.where(happens(tied, self.tied), alike, happens(own, self.below))

    def of_features(self, of_groups: Words) -> Tensor:
        """Repeat a word of each group for each of its features."""
        return of_groups.repeat_interleave(self.size, 1)


def check(n_features: int, p: Float64[Tensor, "group 1"], correlation: Column, size: int) -> None:
    """Check that there can be such groups.

    Raises:
        SettingError: where there cannot.
    """
    if n_features % size:
        raise SettingError("features.size", size, f"must divide n_features={n_features}")
    for density, wanted in zip(p.flatten().tolist(), correlation.flatten().tolist(), strict=True):
        least = 0.0 if density * size > 1 else -density / max(1 - density, 2**-32)
        if wanted < least - 1e-12:
            allowed = (
                f"must be at least {least:.6g} at a density of {density:.6g}, in groups of {size}"
            )
            raise SettingError("features.correlation", f"{wanted:g}", allowed)
