"""Groups of features that tend to be present together, or instead of each other.

Elhage et al., 2022, "Organization of correlated and anticorrelated features", has their limits:
groups of which all features are present or none, and of which one at most is.
"""

import torch
from jaxtyping import Float64
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

ROUNDING = 1e-12
"""By which a density, or a correlation, may be beyond a limit that is no number in binary."""


class Correlated(Presence):
    """Each group of features is, with some probability, tied; else its features are independent.

    Of a tied group either all features are present or none (`correlation` > 0), or one at most
    (`correlation` < 0). Each feature is present with probability p whatever the correlation, and
    ``correlation`` is that of the presence of any two features of a group: of all or none it is 1,
    of one at most ``-p / (1 - p)``, and in between the share of tied samples is in proportion.

    Args:
        n_features: n.
        sparsity: S of every feature.
        correlation: from ``-p / (1 - p)`` to 1; negative ones are offered up to ``p = 1 / size``,
            beyond which one at most of a group cannot have the density p.
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
        together = correlation >= 0
        least = p / (1 - p).clamp_min(2**-32)
        share = torch.where(together, correlation, -correlation / least).clamp_max(1)
        # That a tied group has a feature present: all of it, or one of its own.
        some = torch.where(together, p, (size * p).clamp_max(1))
        none = share * (1 - some) + (1 - share) * (1 - p) ** size
        blocks = Blocks.of(size, (none**self.groups)[:, 0])
        super().__init__(n_features + 3 * self.groups, p.expand(-1, n_features), blocks)
        self.remember(below=p, tied=share, any_present=some)
        self.register_buffer("together", together[..., None], persistent=False)

    def forward(self, words: Words) -> Present:
        """Return which features are present; see `Presence`."""
        own, tied, some, place = self.by_themselves(words)
        return self.joined(own, tied, some, place)

    def having(self, words: Words, chosen: Chosen) -> Present:
        """Return which are where some are; see `Presence`.

        A group is tied as often where one of its features is present as it is anywhere.
        """
        own, tied, some, place = self.by_themselves(words)
        groups = chosen // self.size
        place = place.expand(len(chosen), -1, -1).scatter(1, groups, chosen % self.size)
        return self.joined(own.scatter(1, chosen, True), tied, some.scatter(1, groups, True), place)

    def by_themselves(self, words: Words) -> tuple[Present, Tensor, Tensor, Tensor]:
        """Return which features are present where their group is not tied, and of each group.

        Whether it is tied, has a feature present if it is, and which one, ``[group, own, batch]``.
        """
        own, *shared = words.split((self.groups * self.size, *[self.groups] * 3), 1)
        tied, some, place = shared
        return (
            happens(own, self.below),
            happens(tied, self.tied),
            happens(some, self.any_present),
            place * self.size >> 32,
        )

    def joined(self, own: Present, tied: Tensor, some: Tensor, place: Tensor) -> Present:
        """Return which features are present, by what `by_themselves` returns."""
        tied, some, place = (self.of_features(one) for one in (tied, some, place))
        which = torch.arange(self.size, device=own.device).repeat(self.groups)[:, None]
        return torch.where(tied, some & (self.together | (place == which)), own)

    def of_features(self, of_groups: Tensor) -> Tensor:
        """Repeat what is said of each group for each of its features."""
        return of_groups.repeat_interleave(self.size, 1)


def check(n_features: int, p: Float64[Tensor, "group 1"], correlation: Column, size: int) -> None:
    """Check that there can be such groups.

    Raises:
        SettingError: where there cannot.
    """
    if n_features % size:
        raise SettingError("features.size", size, f"must divide n_features={n_features}")
    for density, wanted in zip(p.flatten().tolist(), correlation.flatten().tolist(), strict=True):
        where = f"at a density of {density:.6g}, in groups of {size}"
        if wanted < -ROUNDING and density * size > 1 + ROUNDING:
            allowed = f"must be at least 0 {where}: below it is not offered above 1/{size}"
            raise SettingError("features.correlation", f"{wanted:g}", allowed)
        least = -density / max(1 - density, 2**-32)
        if wanted < least - ROUNDING:
            allowed = f"must be at least {least:.6g} {where}"
            raise SettingError("features.correlation", f"{wanted:g}", allowed)
